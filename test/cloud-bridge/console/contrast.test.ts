import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const CSS = readFileSync(join(import.meta.dirname, "../../../cloud-bridge/console/src/styles/tokens.css"), "utf8");
/** WCAG 2.1, 1.4.3, text of ordinary size. */
const LEAST = 4.5;
const BADGE_TINT = 0.14;

type Rgb = readonly [number, number, number];

function tokensOf(selector: string): ReadonlyMap<string, Rgb> {
  const block = CSS.slice(CSS.indexOf(`${selector} {`)).split("}")[0] ?? "";
  return new Map(
    [...block.matchAll(/--([\w-]+): #([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2});/g)].map(([, name = "", r, g, b]) => [
      name,
      [Number.parseInt(r ?? "", 16), Number.parseInt(g ?? "", 16), Number.parseInt(b ?? "", 16)],
    ]),
  );
}

const mix = (over: Rgb, under: Rgb, share: number): Rgb => [
  over[0] * share + under[0] * (1 - share),
  over[1] * share + under[1] * (1 - share),
  over[2] * share + under[2] * (1 - share),
];

function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((value) => {
    const c = value / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}

function contrast(a: Rgb, b: Rgb): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const STATES = ["open", "assigned", "acknowledged", "en-route", "on-scene", "resolved", "verifying", "closed", "aside"];
const MOODS = ["good", "warning", "bad"];

test.each([":root", ':root[data-theme="dark"]'])(
  "text of %s is readable on every ground that it stands on",
  (selector) => {
    const tokens = tokensOf(selector);
    const colour = (name: string): Rgb => {
      const found = tokens.get(name);
      if (!found) throw new Error(`no --${name} in ${selector}`);
      return found;
    };
    const pairs: [string, number][] = [];
    const pair = (text: string, ground: string, under: Rgb = colour(ground)): void => {
      pairs.push([`${text} on ${ground}`, contrast(colour(text), under)]);
    };
    for (const ground of ["ground", "panel", "raised", "accent-soft"]) {
      for (const text of ["text", "text-soft", "text-quiet"]) pair(text, ground);
    }
    for (const state of STATES) {
      pair(state, "panel");
      pair(state, `badge of ${state}`, mix(colour(state), colour("panel"), BADGE_TINT));
    }
    for (const mood of MOODS) {
      pair(mood, `${mood}-soft`);
      pair(mood, "raised");
      pair("text-quiet", `${mood}-soft`);
    }
    pair("accent-text", "accent");
    pair("panel", "bad");
    expect(pairs.length).toBeGreaterThan(40);
    expect(pairs.filter(([, ratio]) => ratio < LEAST)).toEqual([]);
  },
);
