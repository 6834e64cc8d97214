import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { filesUnder, ROOT } from "./source-tree.ts";

const DAY_MS = 86_400_000;
const MOST_DAYS = 400;
/** A date before which this version cannot run; raised by hand, so that a release may forget it. */
const BUILD_DATE = /\b(RELEASED_MS) = Date\.UTC\((\d{4}), (\d{1,2}), (\d{1,2})\)/g;
const RELEASE = /^## \[?v?\d+\.\d+\.\d+\]?.*?(\d{4}-\d{2}-\d{2})/gm;

function newestReleaseMs(changelog: string): number | undefined {
  const dates = [...changelog.matchAll(RELEASE)].map(([, date = ""]) => Date.parse(date));
  return dates.length === 0 ? undefined : Math.max(...dates);
}

/** Names of the dates that lie too long before the newest release. */
function forgotten(dates: ReadonlyMap<string, number>, releaseMs: number | undefined): string[] {
  const earliestMs = (releaseMs ?? 0) - MOST_DAYS * DAY_MS;
  return [...dates].filter(([, atMs]) => atMs < earliestMs).map(([name]) => name);
}

function buildDates(): Map<string, number> {
  const found = new Map<string, number>();
  for (const { path, text } of filesUnder(["protocol", "drivers", "gateway"], [".ts"])) {
    for (const [, name = "", year, month, day] of text.matchAll(BUILD_DATE)) {
      found.set(`${path} ${name}`, Date.UTC(Number(year), Number(month), Number(day)));
    }
  }
  return found;
}

test(`no build date lies more than ${MOST_DAYS} days before the newest release of the changelog`, () => {
  const dates = buildDates();
  expect(dates.size).toBeGreaterThanOrEqual(1);
  expect(forgotten(dates, newestReleaseMs(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8")))).toEqual([]);
});

test("a release that forgets them is told so", () => {
  const dates = buildDates();
  const newest = Math.max(...dates.values());
  const headed = (days: number) =>
    newestReleaseMs(
      `# Changelog\n## Unreleased\n## [9.0.0] - ${new Date(newest + days * DAY_MS).toISOString().slice(0, 10)}\n## 0.1.0 (2020-01-01)\n`,
    );
  expect(forgotten(dates, headed(MOST_DAYS + 1))).toHaveLength(dates.size);
  const [last] = [...dates].find(([, atMs]) => atMs === newest) ?? [];
  expect(forgotten(dates, headed(MOST_DAYS))).not.toContain(last);
});
