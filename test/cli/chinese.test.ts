import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import { inChinese } from "../../cli/fault-words/config-zh.ts";
import { CHINESE, explanation, faultWords } from "../../cli/fault-words/fault-words.ts";
import { answerInChinese, WITHOUT_CODE } from "../../cli/probe/told.ts";
import { scratchFolder } from "../fakes/rigs.ts";
import { counted, filesUnder, ROOT, SOURCE_FOLDERS } from "../repo/source-tree.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

const HAN = /\p{Script=Han}/u;

function shao(lang: string, ...words: readonly string[]) {
  const env = { ...process.env, LC_ALL: "", LC_MESSAGES: "", LANG: lang };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "cli/shao.js"), ...words], {
    ...{ env, encoding: "utf8", cwd: scratch.path },
  });
  return { status, stdout, stderr };
}

/** What both languages say to one command line: stdout and exit code must not depend on the language. */
function both(...words: readonly string[]): { en: string; zh: string; status: number | null; stdout: string } {
  const en = shao("en_US.UTF-8", ...words);
  const zh = shao("zh_CN.UTF-8", ...words);
  expect([zh.status, zh.stdout]).toEqual([en.status, en.stdout]);
  expect(en.stderr).not.toMatch(HAN);
  return { en: en.stderr, zh: zh.stderr, status: en.status, stdout: en.stdout };
}

describe("one run under each locale", () => {
  test("check: a good config, and one with faults by line", () => {
    const good = both("check", join(ROOT, "config/site.yaml"), join(ROOT, "config/bridge.yaml"));
    expect([good.status, good.en.includes("a good gateway config"), good.zh.includes("网关配置正确")]).toEqual([
      0,
      true,
      true,
    ]);
    const file = join(scratch.path, "site.yaml");
    const bus = '{ tcp: "127.0.0.1:502", framing: tcp }';
    writeFileSync(
      file,
      `node: site-1\nbridge: { url: "mqtts://b:8883" }\nstate: ./s\nbuses: { a: ${bus} }\ndevises: {}\ndevices: { m: { driver: modbus-noise, bus: a, unit: 300 } }\n`,
    );
    const { status, en, zh } = both("check", file);
    expect(status).toBe(78);
    expect(en).toContain('unknown key "devises" [CONFIG_UNKNOWN_KEY]');
    expect(zh).toContain(`${file}:5:1: `);
    expect(zh).toContain('未知的键 "devises" [CONFIG_UNKNOWN_KEY]');
    expect(zh).toContain("是否想写 devices？");
    expect(zh).toContain("devices.m.unit：300 超出范围");
    expect(zh).toContain("应为：整数，1 至 247");
    expect(zh).toContain("2 处错误，没有启动任何东西");
    const json = shao("zh_CN.UTF-8", "check", file, "--json");
    expect([json.stderr, json.stdout.includes('unknown key \\"devises\\"')]).toEqual(["", true]);
    // The same words where a half refuses to start.
    expect(shao("zh_CN.UTF-8", "gateway", "--config", file).stderr).toBe(zh);
  });

  test("probe: the line of each device stays English, its hint is Chinese on stderr", () => {
    const file = join(scratch.path, "probe.yaml");
    writeFileSync(
      file,
      `node: site-2\nbridge: { url: "mqtts://b:8883" }\nstate: ./s2\nbuses: { a: { serial: ${scratch.path}/ttyNONE } }\ndevices: { m: { driver: modbus-noise, bus: a, unit: 1, profile: sonbest-sm7901b } }\n`,
    );
    const { status, stdout, en, zh } = both("probe", file, "--seconds", "3");
    expect(status).toBe(1);
    expect(stdout).toMatch(/"code":"PORT_NOT_FOUND"/u);
    expect([en, zh]).toEqual([
      "",
      "m：没有这个串口（PORT_NOT_FOUND）。转换器插好了吗？`ls -l /dev/serial/by-id` 列出现有串口\n",
    ]);
  });

  test("enroll, and a bridge that was never set up: what was seen, the code, and what to do", () => {
    const token = both("enroll", "https://localhost:1", "short");
    expect(token.en).toContain("this is no enrolment token (ENROL_TOKEN_FORM)\nHint: ");
    expect(token.zh).toMatch(/^shao enroll：令牌的形式不对（ENROL_TOKEN_FORM）\n原文：.+\n提示：/u);
    mkdirSync(join(scratch.path, "b"));
    const file = join(scratch.path, "bridge.yaml");
    writeFileSync(
      file,
      `listen: { host: 127.0.0.1, mqtt: 1, http: 2 }\nstate: ${scratch.path}/b\ntimeZone: Asia/Shanghai\n`,
    );
    const bridge = both("node", "add", "site-1", "--config", file);
    expect(bridge.zh).toContain("shao node：云端桥的状态目录中没有证书机构（BRIDGE_NOT_INITIALISED）");
    writeFileSync(file, "listen: { host: 127.0.0.1, mqtt: a, http: 1 }\nstore: mysql\n");
    expect(shao("zh_CN.UTF-8", "bridge", "--config", file).stderr).toContain("4 处错误");
  });
});

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
