import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync, Visitor } from "vite";
import { describe, expect, test, vi } from "vitest";
import { en } from "../../../cloud-bridge/console/src/text/en.ts";
import { formatAge, formatDistance, formatRunning, formatTime } from "../../../cloud-bridge/console/src/text/format.ts";
import { sayIn } from "../../../cloud-bridge/console/src/text/sentences.ts";
import { fill, localeOf, translate } from "../../../cloud-bridge/console/src/text/translate.ts";
import { zhCn } from "../../../cloud-bridge/console/src/text/zh-cn.ts";

const SOURCE = join(import.meta.dirname, "../../../cloud-bridge/console/src");
const places = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? "").sort();

describe("the two dictionaries", () => {
  test("have the same keys", () => {
    expect(Object.keys(zhCn).sort()).toEqual(Object.keys(en).sort());
  });

  test("leave no text empty and fill the same places", () => {
    for (const [key, text] of Object.entries(en)) {
      const other: string = zhCn[key as keyof typeof en];
      expect(other.trim(), key).not.toBe("");
      expect(text.trim(), key).not.toBe("");
      expect(places(other), key).toEqual(places(text));
    }
  });

  test("write Chinese in Chinese punctuation", () => {
    for (const [key, text] of Object.entries(zhCn)) expect(text, key).not.toMatch(/[\u4e00-\u9fff][,;:?]/);
  });
});

describe("the packs of pages that are fetched later", () => {
  const packs = globSync("text/packs/*.ts", { cwd: SOURCE });

  test("have both languages whole, fill the same places, and write Chinese in Chinese punctuation", async () => {
    expect(packs.length).toBeGreaterThan(3);
    vi.stubGlobal("localStorage", { getItem: () => null });
    for (const file of packs) {
      const pack: { en: Record<string, string>; zhCn: Record<string, string> } = await import(join(SOURCE, file));
      expect(Object.keys(pack.zhCn).sort(), file).toEqual(Object.keys(pack.en).sort());
      for (const [key, text] of Object.entries(pack.en)) {
        const other = pack.zhCn[key] ?? "";
        expect(places(other), `${file} ${key}`).toEqual(places(text));
        expect(text.trim() === "" || other.trim() === "", `${file} ${key}`).toBe(false);
        expect(other, `${file} ${key}`).not.toMatch(/[\u4e00-\u9fff][,;:?]/);
      }
    }
  });
});

/** Attributes whose text somebody reads or hears. */
const READ_ATTRIBUTES = new Set(["title", "alt", "placeholder", "aria-label", "aria-description", "label"]);
const LETTERS = /\p{L}/u;

function shownLiterals(file: string, source: string): string[] {
  const found: string[] = [];
  const note = (text: string): void => {
    if (LETTERS.test(text)) found.push(`${file}: ${text.trim()}`);
  };
  const shown = (node: { type: string } & Record<string, unknown>): void => {
    if (node.type === "Literal" && typeof node["value"] === "string") note(node["value"]);
    if (node.type === "TemplateLiteral") {
      for (const quasi of node["quasis"] as { value: { raw: string } }[]) note(quasi.value.raw);
    }
    if (node.type === "ConditionalExpression") {
      shown(node["consequent"] as typeof node);
      shown(node["alternate"] as typeof node);
    }
    if (node.type === "LogicalExpression") shown(node["right"] as typeof node);
    if (node.type === "BinaryExpression") {
      shown(node["left"] as typeof node);
      shown(node["right"] as typeof node);
    }
  };
  const { program, errors } = parseSync(file, source);
  expect(errors, file).toEqual([]);
  new Visitor({
    JSXText: (node) => note(node.value),
    JSXElement: ({ children }) => {
      for (const child of children) {
        if (child.type === "JSXExpressionContainer") shown(child.expression as never);
      }
    },
    JSXAttribute: ({ name, value }) => {
      if (name.type !== "JSXIdentifier" || !READ_ATTRIBUTES.has(name.name) || !value) return;
      if (value.type === "Literal") note(String(value.value));
      if (value.type === "JSXExpressionContainer") shown(value.expression as never);
    },
  }).visit(program);
  return found;
}

describe("what is shown", () => {
  test("comes from the dictionaries and from data, never from a literal in a page", () => {
    const files = globSync("**/*.tsx", { cwd: SOURCE });
    expect(files.length).toBeGreaterThan(20);
    expect(files.flatMap((file) => shownLiterals(file, readFileSync(join(SOURCE, file), "utf8")))).toEqual([]);
  });

  test("would be found if it were a literal", () => {
    const bad = 'const A = () => <p title="Hello">World {x ? "yes" : t("ok")} {`n`} {1}</p>;';
    expect(shownLiterals("bad.tsx", bad)).toHaveLength(4);
  });
});

describe("translation", () => {
  test("takes the first language of the browser that we speak", () => {
    expect(localeOf(["zh-TW", "en"])).toBe("zh-CN");
    expect(localeOf(["de", "en-GB", "zh"])).toBe("en");
    expect(localeOf(["fr"])).toBe("en");
  });

  test("shows a place that got no word, instead of hiding the fault", () => {
    expect(fill("{a} and {b}", { a: 1 })).toBe("1 and {b}");
    expect(translate("zh-CN", "unit.seconds", { n: 5 })).toBe("5 秒");
  });

  test("says the bridge's stored sentences in the reader's language, and unknown ones as they are", () => {
    expect(sayIn("zh-CN", "noise-01: quiet 4 of 10 min")).toBe("noise-01\uff1a已安静 4 分钟\uff0c需 10 分钟");
    expect(sayIn("en", "on duty, free, fix 3 s old")).toBe("on duty · free · position 3 s old");
    expect(sayIn("zh-CN", "free, they said")).toBe("free, they said");
    expect(sayIn("en", "fix 12 s old")).toBe("position 12 s old");
    expect(sayIn("zh-CN", "something new")).toBe("something new");
  });

  test("tells ages, running times and distances in one unit", () => {
    expect(formatAge("en", 59_999)).toBe("59 s");
    expect(formatAge("zh-CN", 3_600_000)).toBe("1 小时");
    expect(formatAge("en", 50 * 3_600_000)).toBe("2 d");
    expect(formatRunning(247_000)).toBe("4:07");
    expect(formatRunning(3_727_000)).toBe("1:02:07");
    expect(formatRunning(-5)).toBe("0:00");
    expect(formatDistance("en", 846)).toBe("850 m");
    expect(formatDistance("zh-CN", 2370)).toBe("2.4 公里");
  });

  test("tells the time of the site, not of the browser", () => {
    expect(formatTime("en", Date.UTC(2026, 0, 1, 16, 0, 1), "Asia/Shanghai")).toBe("00:00:01");
  });
});
