import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { hj212 } from "../../../drivers/hj212/driver.ts";
import { formatLocalTime, formatRequestNumber } from "../../../drivers/hj212/local-time.ts";
import { startStationSimulator } from "../../../drivers/hj212/simulator.ts";
import { freePort, until } from "../../fakes/rigs.ts";
import { type RunningDevice, runDevice } from "../../fakes/running-device.ts";
import { unheldRejections } from "../../fakes/unheld-rejections.ts";
import { DEFAULTS, framed } from "./rig.ts";

const MN = "010000A8900016F000169DC0";

/** A gateway's listener, and stations that connect to it as bare sockets. */
async function listener(config: Partial<typeof DEFAULTS> = {}) {
  const port = await freePort();
  const faults: { code: string; station: string | undefined }[] = [];
  const watched: typeof hj212 = {
    ...hj212,
    run: (own, context) =>
      hj212.run(own, {
        ...context,
        fault(error, subject) {
          faults.push({ code: error.code, station: subject?.id });
          context.fault(error, subject);
        },
      }),
  };
  const device = runDevice(watched, { ...DEFAULTS, listen: `127.0.0.1:${port}`, acceptUnknown: true, ...config });
  const sockets: Socket[] = [];
  const station = async () => {
    const heard: string[] = [];
    let isClosed = false;
    let socket = connect(port, "127.0.0.1");
    const dial = () => {
      socket.on("error", () => undefined);
      socket.on("data", (chunk) => heard.push(String(chunk)));
      socket.on("close", () => {
        isClosed = true;
      });
    };
    dial();
    await until(() => {
      if (socket.readyState === "open") return true;
      if (socket.destroyed) {
        socket = connect(port, "127.0.0.1");
        isClosed = false;
        dial();
      }
      return false;
    });
    sockets.push(socket);
    return {
      say: (text: string) => socket.write(text),
      hangUp: () => socket.destroy(),
      heard: () => heard.join(""),
      isClosed: () => isClosed,
    };
  };
  return {
    device,
    port,
    station,
    faults,
    codes: () => device.health.map(({ body }) => body.code).filter((code) => code !== undefined),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await device[Symbol.asyncDispose]();
    },
  };
}

interface Said {
  readonly mn?: string;
  readonly atMs?: number;
  readonly flag?: number;
  readonly command?: number;
  readonly password?: string;
  readonly area?: string;
  readonly more?: string;
}

function report({
  mn = MN,
  atMs = Date.now(),
  flag = 5,
  command = 2011,
  password = "123456",
  area,
  more = "",
}: Said = {}) {
  const values = area ?? `DataTime=${formatLocalTime(atMs)};LA-Rtd=61.0`;
  const head = `QN=${formatRequestNumber(atMs)};ST=23;CN=${command};PW=${password};MN=${mn};Flag=${flag}${more}`;
  return framed(`${head};CP=&&${values}&&`);
}

function values(device: RunningDevice) {
  return device.readings.map((one) => (one.kind === "measurement" ? one.value : one.kind));
}

describe("the listener", () => {
  test("answers a report with 9014 in the station's own edition and words, once its values are taken", async () => {
    await using rig = await listener();
    const one = await rig.station();
    const frame = report();
    one.say(frame);
    await until(() => one.heard() !== "");
    const qn = /QN=(\d+)/.exec(frame)?.[1];
    expect(one.heard()).toBe(framed(`QN=${qn};ST=91;CN=9014;PW=123456;MN=${MN};Flag=4;CP=&&&&`));
    expect(rig.device.readings).toMatchObject([{ kind: "measurement", quantity: "LA", value: 61, subjectId: MN }]);
    one.say(report({ flag: 9 }));
    await until(() => one.heard().includes("Flag=8;"));
  });

  test("answers a heartbeat with 9013, and nothing to a report that wants no answer", async () => {
    await using rig = await listener();
    const one = await rig.station();
    one.say(report({ flag: 4 }));
    one.say(report({ flag: 9, command: 9015, area: "" }));
    await until(() => one.heard() !== "");
    expect(one.heard()).toContain("CN=9013;");
    expect(one.heard()).not.toContain("CN=9014;");
    expect(values(rig.device)).toEqual([61]);
  });

  test("outlives stations that hang up before they have heard their answers", async () => {
    const unheld = unheldRejections();
    await using rig = await listener();
    for (let tries = 1; tries <= 10; tries++) {
      const hasty = await rig.station();
      hasty.say(Array.from({ length: 20 }, () => report({ flag: 9 })).join(""));
      hasty.hangUp();
      await until(() => hasty.isClosed());
    }
    const patient = await rig.station();
    patient.say(report());
    await until(() => patient.heard().includes("CN=9014;"));
    expect(unheld).toEqual([]);
  });

  test("keeps its stations apart, also two on one connection", async () => {
    await using rig = await listener();
    const [one, two] = [await rig.station(), await rig.station()];
    one.say(report({ mn: "A0000000000000000000000A", area: `DataTime=${formatLocalTime(Date.now())};LA-Rtd=61.0` }));
    two.say(report({ mn: "B0000000000000000000000B", area: `DataTime=${formatLocalTime(Date.now())};LA-Rtd=62.0` }));
    two.say(report({ mn: "C0000000000000000000000C", area: `DataTime=${formatLocalTime(Date.now())};LA-Rtd=63.0` }));
    await until(() => rig.device.readings.length === 3);
    expect(
      new Set(rig.device.readings.map((one) => `${one.subjectId?.[0]} ${one.kind === "measurement" && one.value}`)),
    ).toEqual(new Set(["A 61", "B 62", "C 63"]));
  });

  test("that makes numbers up is let in with five thousand of them, and shut out with the next", async () => {
    await using rig = await listener({ maxBytesPerS: 1_000_000 });
    const liar = await rig.station();
    const beat = (index: number) => framed(`ST=91;CN=9015;PW=1;MN=${String(index).padStart(14, "0")};CP=&&&&`);
    for (let from = 0; from <= 5000; from += 100) {
      liar.say(Array.from({ length: 100 }, (_, index) => beat(from + index)).join(""));
    }
    await until(() => liar.isClosed(), 20_000);
    expect(rig.faults.at(-1)).toEqual({ code: "HJ212_LIMIT", station: undefined });
    expect(new Set(rig.faults.map(({ station }) => station)).size).toBeLessThanOrEqual(5001);
  });

  test("turns away a station that is not listed, or gives a wrong password, by name, and goes on with the others", async () => {
    await using rig = await listener({ acceptUnknown: false, stations: { [MN]: { password: "secret" }, GATE01: {} } });
    const stranger = await rig.station();
    for (let index = 0; index < 6; index++) stranger.say(report({ mn: "ffffff" }));
    await until(() => stranger.isClosed());
    const liar = await rig.station();
    liar.say(report({ password: "123456" }));
    await until(() => liar.isClosed());
    const good = await rig.station();
    good.say(report({ password: "secret" }));
    good.say(report({ mn: "GATE01" }));
    await until(() => rig.device.readings.length === 2);
    expect(stranger.heard() + liar.heard()).toBe("");
    expect(rig.faults.filter(({ code }) => code !== "HJ212_DEVIATES")).toEqual([
      { code: "HJ212_STATION_UNKNOWN", station: undefined },
      { code: "HJ212_PASSWORD", station: MN },
    ]);
    expect(rig.device.health.some(({ subject }) => subject?.id === "ffffff")).toBe(false);
  });

  test("a station that connects anew takes its place: the old connection is closed", async () => {
    await using rig = await listener();
    const before = await rig.station();
    before.say(report());
    await until(() => rig.device.readings.length === 1);
    const now = await rig.station();
    now.say(report());
    await until(() => before.isClosed());
    now.say(report());
    await until(() => rig.device.readings.length === 3);
    expect(now.isClosed()).toBe(false);
    expect(rig.faults).toEqual([{ code: "HJ212_REPLACED", station: MN }]);
  });

  test("a message in packets is one report, each packet answered", async () => {
    await using rig = await listener({ minutePeriodS: 60 });
    const one = await rig.station();
    const atMs = Date.now();
    const start = `DataTime=${formatLocalTime(atMs - 60_000)}`;
    one.say(report({ atMs, flag: 7, command: 2051, more: ";PNUM=2;PNO=2", area: `${start};LMx-Data=80.0` }));
    one.say(report({ atMs, flag: 7, command: 2051, more: ";PNUM=2;PNO=1", area: `${start};Leq-Data=66.0` }));
    await until(() => rig.device.readings.length === 1);
    expect(rig.device.readings).toMatchObject([
      { kind: "noise-period", statistics: { laeqDb: 66, lamaxDb: 80, n: 60 } },
    ]);
    await until(() => one.heard().split("CN=9014").length === 3);
  });

  test("what a station sends from its memory is kept at its own time and marked", async () => {
    await using rig = await listener({ levelPeriodS: 1 });
    const one = await rig.station();
    const atMs = Date.now() - 7_200_000;
    one.say(report({ atMs, flag: 9, more: ";RF=1" }));
    one.say(report());
    await until(() => rig.device.readings.length === 2);
    const [old, now] = rig.device.readings;
    expect(old).toMatchObject({ kind: "noise", atMs: Math.floor(atMs / 1000) * 1000 });
    expect(now?.atMs).toBeGreaterThan(Date.now() - 30_000);
  });

  test("a clock that is off is flagged on the values; it is set where the config says so, and then right", async () => {
    await using rig = await listener({ setTime: true });
    const simulator = startStationSimulator({
      connect: { host: "127.0.0.1", port: rig.port },
      mn: MN,
      levelAt: () => 60,
      periodMs: 50,
      clockOffsetMs: 600_000,
    });
    await until(() => simulator.status.timesSet === 1 && rig.device.readings.length > 10);
    await simulator.close();
    expect(rig.device.readings[0]).toMatchObject({ flag: expect.stringMatching(/^clock\+(599|600|601)s$/) });
    expect(rig.device.readings.at(-1)).not.toHaveProperty("flag");
  });

  test("a flood, and one connection too many, are closed; the others stay", async () => {
    await using rig = await listener({ maxBytesPerS: 1000, maxConnections: 2 });
    const [good, bad] = [await rig.station(), await rig.station()];
    good.say(report());
    await until(() => rig.device.readings.length === 1);
    const third = connect(rig.port, "127.0.0.1").on("error", () => undefined);
    await until(() => third.closed);
    bad.say("x".repeat(20_000));
    await until(() => bad.isClosed());
    good.say(report());
    await until(() => rig.device.readings.length === 2);
    expect(good.isClosed()).toBe(false);
    expect(rig.faults.length).toBeGreaterThanOrEqual(2);
    expect(rig.faults.every(({ code }) => code === "HJ212_LIMIT")).toBe(true);
  });

  test("a frame of a command that is not read is neither answered nor kept, and the connection stays", async () => {
    await using rig = await listener();
    const one = await rig.station();
    one.say(report({ command: 2021, area: `DataTime=${formatLocalTime(Date.now())};SB1-RS=1` }));
    one.say(report());
    await until(() => one.heard() !== "");
    expect(one.heard().match(/CN=\d+/g)).toEqual(["CN=9014"]);
    expect(rig.device.readings).toHaveLength(1);
    expect(rig.faults).toEqual([{ code: "HJ212_COMMAND", station: MN }]);
  });

  test("each deviation is counted as a fault of its station", async () => {
    await using rig = await listener();
    const one = await rig.station();
    for (let index = 0; index < 6; index++) one.say(report({ mn: "SHORT01" }));
    await until(() => rig.codes().includes("HJ212_DEVIATES"));
    const said = rig.device.health.find(({ body }) => body.code === "HJ212_DEVIATES");
    expect(said).toMatchObject({
      subject: { type: "station", id: "SHORT01" },
      body: { message: expect.stringContaining("odd-mn") },
    });
  });

  test("a config that would let nobody in is refused", () => {
    expect(hj212.check?.({ ...DEFAULTS, stations: {}, acceptUnknown: false })).toHaveLength(1);
    expect(hj212.check?.({ ...DEFAULTS, stations: { [MN]: {} }, acceptUnknown: false })).toEqual([]);
  });
});

test("forty simulated stations report at once, each as itself, and every report is answered", async () => {
  await using rig = await listener({ levelPeriodS: 1 });
  const stations = Array.from({ length: 40 }, (_, index) =>
    startStationSimulator({
      connect: { host: "127.0.0.1", port: rig.port },
      mn: `STATION${index}`,
      levelAt: () => 40 + index,
      periodMs: 200,
      hasDust: true,
    }),
  );
  await until(() => stations.every(({ status }) => status.answered >= 3), 20_000);
  await Promise.all(stations.map((station) => station.close()));
  for (let index = 0; index < 40; index++) {
    const own = rig.device.readings.filter(({ subjectId }) => subjectId === `STATION${index}`);
    const levels = own.filter((one) => one.kind === "noise");
    expect(levels.length).toBeGreaterThanOrEqual(3);
    expect(levels.every((one) => one.levelDb === 40 + index)).toBe(true);
    expect(own.length).toBe(levels.length * 7);
  }
});
