import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import { scratchFolder } from "../fakes/rigs.ts";
import { ROOT } from "../repo/source-tree.ts";

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
