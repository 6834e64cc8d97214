import { describe, expect, test } from "vitest";
import { CHINESE, explanation, faultWords } from "../../cli/fault-words/fault-words.ts";
import { answerInChinese, WITHOUT_CODE } from "../../cli/probe/told.ts";
import { inChinese } from "../../protocol/document/fault-zh.ts";
import { counted, filesUnder, SOURCE_FOLDERS } from "../repo/source-tree.ts";

const HAN = /\p{Script=Han}/u;

describe("no text is missing", () => {
  const sources = counted("texts", filesUnder(SOURCE_FOLDERS, [".ts"]));
  const page = counted("docs/errors.md", filesUnder(["docs"], ["errors.md"]))[0]?.text ?? "";
  const documented = new Set([...page.matchAll(/^\| `?([A-Z][A-Z0-9_]*)`? \|/gm)].map(([, code = ""]) => code));
  const inRooms = (rooms: readonly string[]) =>
    sources.filter(({ path }) => rooms.some((room) => path.startsWith(room)));

  test("each code in the table is one of docs/errors.md, with two Chinese sentences", () => {
    expect(Object.keys(CHINESE).filter((code) => !documented.has(code))).toEqual([]);
    const hollow = Object.entries(CHINESE).filter(([, words]) =>
      words.some((text) => !HAN.test(text) || /[.。]$/u.test(text)),
    );
    expect(hollow).toEqual([]);
  });

  test("each code that a driver, an enrolment, a probe or a start can throw is in the table", () => {
    const rooms = [
      "drivers/",
      "gateway/identity/",
      "gateway/journal/",
      "gateway/vision/",
      "cli/probe/",
      "cloud-bridge/main.ts",
    ];
    const thrown = inRooms([
      ...rooms,
      "cloud-bridge/initialise.ts",
      "cloud-bridge/listen-error.ts",
      "cloud-bridge/store/",
    ]);
    const codes = thrown.flatMap(({ text }) =>
      [...text.matchAll(/new (?:Driver|Gateway|Bridge)Error\(\s*"([A-Z0-9_]+)"/gu)].map(([, code = ""]) => code),
    );
    expect(codes.length).toBeGreaterThan(100);
    expect([...new Set(codes)].filter((code) => !(code in CHINESE)).sort()).toEqual([]);
  });

  test("each sentence of a config's check has its Chinese", () => {
    const rooms = [
      "protocol/document/",
      "gateway/config/",
      "cloud-bridge/config",
      "cloud-bridge/channels-schema",
      "cloud-bridge/store-schema",
      "cloud-bridge/broker-schema",
      "cloud-bridge/dispatch-schema",
    ];
    const texts = inRooms(rooms).flatMap(({ text }) =>
      [...text.matchAll(/\b(?:message|expected): ("(?:[^"\\]|\\.)*"|`[^`]*`)/gu)].map(([, literal = ""]) => literal),
    );
    expect(texts.length).toBeGreaterThan(60);
    // Names, values and numbers as they may stand there.
    const said = texts
      .filter((literal) => !/config-twin|secretless|describeSchema|\$\{message\}|^`\$\{said/u.test(literal))
      .map((literal) => literal.slice(1, -1).replaceAll(/\$\{[^}]*\}/gu, "7"));
    expect(said.filter((sentence) => inChinese(sentence) === undefined)).toEqual([]);
  });

  test("what a device without a code is told has its Chinese", () => {
    const { text = "" } = sources.find(({ path }) => path === "cli/probe/answer.ts") ?? {};
    const messages = [...text.matchAll(/ok: false,[^}]*?message: "([^"]+)"/gu)].map(([, message = ""]) => message);
    expect(messages).toEqual(Object.keys(WITHOUT_CODE));
    expect(answerInChinese({ ok: false, device: "gps", state: "online", message: messages[1] })).toContain(
      "gps：有应答",
    );
    expect(answerInChinese({ ok: true, device: "m" })).toBeUndefined();
  });
});

test("a code that is not in the table is told as it was", () => {
  const fault = { code: "MADE_UP", message: "seen", hint: "Do." };
  expect(faultWords(fault, "zh-CN")).toEqual({ message: "seen", hint: "Do." });
  expect(explanation("gateway", fault, "zh-CN")).toBe(explanation("gateway", fault, "en"));
});
