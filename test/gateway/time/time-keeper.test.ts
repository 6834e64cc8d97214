import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { isNtpSynchronised } from "../../../gateway/time/ntp-marks.ts";
import { TimeKeeper, type TimeSource } from "../../../gateway/time/time-keeper.ts";

const TODAY_MS = Date.UTC(2026, 10, 21, 22);
const HOUR_MS = 3_600_000;

function node(systemMs: number, source: TimeSource = "auto") {
  const at = { systemMs, upMs: 0, ntp: false };
  const keeper = new TimeKeeper({
    source,
    systemMs: () => at.systemMs,
    upMs: () => at.upMs,
    isNtpSynchronised: () => at.ntp,
  });
  const pass = (ms: number) => {
    at.systemMs += ms;
    at.upMs += ms;
  };
  const hear = (utcMs: number, device = "gps", atMs = keeper.nowMs()) =>
    keeper.heard({ kind: "time", source: "gnss", utcMs, atMs }, device);
  return { at, keeper, pass, hear };
}

describe("the node's belief about UTC", () => {
  test("a clock in 1970 is quality none, and says so in its first time record", () => {
    const { keeper } = node(10_000);
    expect(keeper.check()).toEqual({ upMs: 0, utcMs: 10_000, quality: "none" });
  });

  test("a sane date without any source is the battery clock's", () => {
    expect(node(TODAY_MS).keeper.check()?.quality).toBe("rtc");
    expect(node(TODAY_MS, "none").keeper.check()?.quality).toBe("none");
  });

  test("a receiver with a fix lifts a clock in 1970, and a time record tells of the jump", () => {
    const { keeper, hear, pass } = node(10_000);
    keeper.check();
    pass(5000);
    expect(hear(TODAY_MS)).toBe("taken");
    expect(keeper.check()).toEqual({ upMs: 5000, utcMs: TODAY_MS, quality: "gnss" });
    pass(1000);
    expect(keeper.stamp()).toEqual({ upMs: 6000, atMs: TODAY_MS + 1000, timeQuality: "gnss" });
  });

  test("a receiver whose week counter wrapped is not believed", () => {
    const { keeper, hear } = node(10_000);
    expect(hear(TODAY_MS - 7168 * 24 * HOUR_MS)).toBe("impossible");
    expect(hear(TODAY_MS + 7168 * 24 * HOUR_MS)).toBe("impossible");
    expect(keeper.quality).toBe("none");
    expect(keeper.nowMs()).toBe(10_000);
  });

  test("a clock that may be right is moved only by what a receiver says twice", () => {
    const { keeper, hear, pass } = node(TODAY_MS);
    expect(hear(TODAY_MS + HOUR_MS)).toBe("unconfirmed");
    expect([keeper.nowMs(), keeper.quality]).toEqual([TODAY_MS, "rtc"]);
    pass(1000);
    expect(hear(TODAY_MS + 1000)).toBe("taken");
    pass(1000);
    expect(hear(TODAY_MS - HOUR_MS + 2000)).toBe("unconfirmed");
    pass(1000);
    expect(hear(TODAY_MS - HOUR_MS + 3000)).toBe("taken");
    expect([keeper.nowMs(), keeper.quality]).toEqual([TODAY_MS - HOUR_MS + 3000, "gnss"]);
  });

  test("of two receivers that disagree the first is believed, until it was silent for a minute", () => {
    const { keeper, hear, pass } = node(10_000);
    expect(hear(TODAY_MS, "gps")).toBe("taken");
    expect(hear(TODAY_MS + HOUR_MS, "gpsd")).toBe("disagrees");
    pass(30_000);
    expect(hear(TODAY_MS + 30_200, "gpsd")).toBe("taken");
    expect(hear(TODAY_MS + 30_000, "gps")).toBe("taken");
    expect(keeper.nowMs()).toBe(TODAY_MS + 30_000);
    pass(61_000);
    expect(hear(TODAY_MS + HOUR_MS, "gpsd")).toBe("unconfirmed");
    pass(1000);
    expect(hear(TODAY_MS + HOUR_MS + 1000, "gpsd")).toBe("taken");
    expect(keeper.nowMs()).toBe(TODAY_MS + HOUR_MS + 1000);
  });

  test("a reading that was taken before the belief moved does not move it twice", () => {
    const { keeper, hear } = node(10_000);
    expect(hear(TODAY_MS, "gps", 9900)).toBe("taken");
    expect(keeper.nowMs()).toBe(TODAY_MS + 100);
    expect(hear(TODAY_MS, "gpsd", 9900)).toBe("unused");
    expect(keeper.nowMs()).toBe(TODAY_MS + 100);
  });

  test("a receiver that contradicts NTP does not vouch once NTP is gone", () => {
    const { at, keeper, hear, pass } = node(TODAY_MS);
    at.ntp = true;
    keeper.check();
    expect(hear(TODAY_MS + HOUR_MS)).toBe("disagrees");
    at.ntp = false;
    pass(1000);
    expect(keeper.check()).toMatchObject({ quality: "rtc", utcMs: TODAY_MS + 1000 });
  });

  test("a config that names another source has no use for a receiver", () => {
    const { keeper, hear } = node(TODAY_MS, "rtc");
    expect(hear(TODAY_MS + HOUR_MS)).toBe("unused");
    expect([keeper.nowMs(), keeper.quality]).toEqual([TODAY_MS, "rtc"]);
  });

  test("NTP goes before the receiver, and ends the receiver's correction", () => {
    const { at, keeper, hear } = node(10_000);
    hear(TODAY_MS);
    at.ntp = true;
    at.systemMs = TODAY_MS + 300;
    expect(keeper.check()).toMatchObject({ utcMs: TODAY_MS + 300, quality: "ntp" });
    hear(TODAY_MS + 60_000);
    expect(keeper.nowMs()).toBe(TODAY_MS + 300);
  });

  test("a receiver that has been silent for over an hour no longer vouches", () => {
    const { keeper, hear, pass } = node(TODAY_MS);
    hear(TODAY_MS);
    pass(HOUR_MS);
    expect(keeper.check()?.quality).toBe("gnss");
    pass(1);
    expect(keeper.check()?.quality).toBe("rtc");
  });

  test("time records come at the start, each hour and after a jump of more than a second, and not in between", () => {
    const { at, keeper, pass } = node(TODAY_MS);
    expect(keeper.check()).toBeDefined();
    for (let s = 0; s < 3599; s += 1) {
      pass(1000);
      expect(keeper.check()).toBeUndefined();
    }
    pass(1000);
    expect(keeper.check()).toBeDefined();
    at.systemMs += 900;
    expect(keeper.check()).toBeUndefined();
    at.systemMs += 200;
    expect(keeper.check()).toMatchObject({ upMs: HOUR_MS, utcMs: TODAY_MS + HOUR_MS + 1100 });
    at.systemMs -= 5000;
    expect(keeper.check()).toBeDefined();
  });
});

test("NTP is seen by the marks of timesyncd and of a living chronyd", () => {
  const root = mkdtempSync(join(tmpdir(), "shao-ntp-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const put = (path: string, atMs: number) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), "");
    utimesSync(join(root, path), atMs / 1000, atMs / 1000);
  };
  expect(isNtpSynchronised(TODAY_MS, root)).toBe(false);
  put("/var/lib/chrony/chrony.drift", TODAY_MS - HOUR_MS);
  expect(isNtpSynchronised(TODAY_MS, root)).toBe(false);
  put("/run/chrony/chronyd.pid", TODAY_MS);
  expect(isNtpSynchronised(TODAY_MS, root)).toBe(true);
  expect(isNtpSynchronised(TODAY_MS + 3 * HOUR_MS, root)).toBe(false);
  put("/run/systemd/timesync/synchronized", TODAY_MS);
  expect(isNtpSynchronised(TODAY_MS + 3 * HOUR_MS, root)).toBe(true);
});

test("marks that are shut to this account say nothing, and end nothing", () => {
  const root = mkdtempSync(join(tmpdir(), "shao-ntp-"));
  const folders = ["/run/chrony", "/var/lib/chrony"].map((folder) => root + folder);
  onTestFinished(() => {
    for (const folder of folders) chmodSync(folder, 0o700);
    rmSync(root, { recursive: true });
  });
  chmodSync(root, 0o755);
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0);
  }
  const asked = [
    `import { isNtpSynchronised } from ${JSON.stringify(resolve("gateway/time/ntp-marks.ts"))};`,
    // Root gets in everywhere.
    "if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }",
    `console.log(isNtpSynchronised(${TODAY_MS}, ${JSON.stringify(root)}));`,
  ].join("\n");
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", asked], { encoding: "utf8" });
  expect({ stdout, stderr }).toEqual({ stdout: "false\n", stderr: "" });
});
