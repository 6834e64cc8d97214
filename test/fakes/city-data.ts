import type { CaseDetail, CaseView, TimelineEntry } from "../../cloud-bridge/api/schema/desk.ts";
import type { NodeView, RunAccounting, Site } from "../../cloud-bridge/api/schema/fleet.ts";
import type { CrewView } from "../../cloud-bridge/api/schema/roster.ts";
import { encodeLevels } from "../../protocol/level-series.ts";

const MINUTE_MS = 60_000;
const HASH = "9f2c51aa03e7".padEnd(64, "0");
const RUN = "h2kQx0s9Rk6mVtZc1yqW3A";

/** A night in a district, invented, for looking at the pages while no bridge runs. */
export interface City {
  readonly cases: Map<string, CaseDetail>;
  readonly crews: CrewView[];
  readonly nodes: NodeView[];
  readonly sites: Site[];
  readonly runs: RunAccounting[];
}

export const SITES: Site[] = [
  site("guanghua-road-7", "Guanghua Road block 7", 39.912, 116.456),
  site("dongdaqiao-east", "Dongdaqiao east pit", 39.9265, 116.4472),
];

function site(id: string, name: string, latitudeDeg: number, longitudeDeg: number): Site {
  return { id, name, timeZone: "Asia/Shanghai", latitudeDeg, longitudeDeg, radiusM: 150 };
}

export function makeCity(nowMs: number): City {
  const crews = [
    crew("crew-hujialou-2", "Hujialou 2", nowMs, 39.9193, 116.4609),
    crew("crew-jianwai-1", "Jianwai 1", nowMs, 39.9061, 116.4418),
    crew("crew-chaowai-3", "Chaowai 3", nowMs, 39.9242, 116.4391),
  ];
  const cases = new Map<string, CaseDetail>();
  const add = (detail: CaseDetail): void => void cases.set(detail.case.id, detail);
  add(openCase(nowMs));
  add(workingCase(nowMs));
  add(faultCase(nowMs));
  add(closedCase(nowMs));
  return { cases, crews, nodes: nodesOf(nowMs), sites: SITES, runs: runsOf(nowMs) };
}

function crew(id: string, name: string, nowMs: number, latitudeDeg: number, longitudeDeg: number): CrewView {
  const position = { latitudeDeg, longitudeDeg, atMs: nowMs - 4000, source: "vehicle" as const };
  return {
    id,
    name,
    unitId: "hujialou",
    vehicleNode: `car-${id.slice(-1)}`,
    onDuty: id !== "crew-chaowai-3",
    position,
  };
}

const CANDIDATES: CaseDetail["candidates"] = [
  {
    crewId: "crew-hujialou-2",
    crewName: "Hujialou 2",
    eligible: true,
    reasons: ["on duty", "free", "fix 4 s old"],
    distanceM: 1270,
    etaMs: 153_000,
    position: { latitudeDeg: 39.9193, longitudeDeg: 116.4609 },
  },
  {
    crewId: "crew-jianwai-1",
    crewName: "Jianwai 1",
    eligible: true,
    reasons: ["on duty", "free", "fix 9 s old"],
    distanceM: 1936,
    etaMs: 233_000,
    position: { latitudeDeg: 39.9061, longitudeDeg: 116.4418 },
  },
  {
    crewId: "crew-chaowai-3",
    crewName: "Chaowai 3",
    eligible: false,
    reasons: ["off duty", "free", "fix 11 s old"],
    distanceM: 2790,
    etaMs: 336_000,
    position: { latitudeDeg: 39.9242, longitudeDeg: 116.4391 },
  },
];

function baseCase(id: string, number: number, openedAtMs: number, siteAt: Site): CaseView {
  return {
    id,
    number,
    family: "noise",
    nature: "condition",
    title: `Noise above the limit at ${siteAt.name}`,
    state: "open",
    late: false,
    siteId: siteAt.id,
    siteName: siteAt.name,
    unwatched: false,
    position: { latitudeDeg: siteAt.latitudeDeg ?? 0, longitudeDeg: siteAt.longitudeDeg ?? 0 },
    openedAtMs,
    updatedAtMs: openedAtMs,
    alarmIds: ["018f0000-0000-7000-8000-000000000001"],
    waitingFor: [],
  };
}

export function entry(
  seq: number,
  kind: string,
  serverTimeMs: number,
  rest: Partial<TimelineEntry> = {},
): TimelineEntry {
  const hash = `${(seq * 2654435761).toString(16).slice(0, 6)}${HASH.slice(6)}`;
  return { seq, kind, actor: "system:cases", channel: "system", serverTimeMs, hash, ...rest };
}

function alarm(raisedAtMs: number, node: string): CaseDetail["alarms"][number] {
  return {
    alarmId: "018f0000-0000-7000-8000-000000000001",
    trace: "018f0000000070008000000000000001",
    node,
    device: "noise-01",
    body: {
      alarmId: "018f0000-0000-7000-8000-000000000001",
      rev: 3,
      phase: "updated",
      family: "noise",
      nature: "condition",
      rule: "night-noise",
      ruleKind: "trigger",
      raisedAtMs,
      stateAtMs: raisedAtMs + MINUTE_MS,
      limits: { raiseDb: 70, clearDb: 67 },
      windows: [],
      estimated: true,
      evidence: [],
    },
    late: false,
    superseded: false,
    raisedAtMs,
    stateAtMs: raisedAtMs + MINUTE_MS,
    isTimeCorrected: false,
    receivedAtMs: raisedAtMs + 40,
  };
}

function openCase(nowMs: number): CaseDetail {
  const [first] = SITES;
  if (!first) throw new Error("no site");
  const openedAtMs = nowMs - 22_000;
  const view = { ...baseCase("c-1042", 1042, openedAtMs, first), levelDb: 78.4, peakDb: 83.1 };
  return {
    case: { ...view, autoDispatchAtMs: openedAtMs + MINUTE_MS },
    timeline: [
      entry(1, "opened", openedAtMs, {
        actor: "site-042",
        channel: "sensor",
        cause: "78.4 dB(A) over 10 s, limit 70.0",
      }),
      entry(2, "proposed", openedAtMs + 30, { actor: "system:dispatch" }),
      entry(3, "alarm-joined", openedAtMs + 15_000, { actor: "site-042", channel: "sensor" }),
    ],
    assignments: [],
    candidates: CANDIDATES,
    alarms: [alarm(openedAtMs, "site-042")],
    evidence: [],
  };
}

function workingCase(nowMs: number): CaseDetail {
  const at = SITES[1] ?? SITES[0];
  if (!at) throw new Error("no site");
  const openedAtMs = nowMs - 31 * MINUTE_MS;
  const assignment = {
    id: "a-77",
    caseId: "c-1041",
    crewId: "crew-jianwai-1",
    crewName: "Jianwai 1",
    state: "done" as const,
    distanceM: 2210,
    assignedAtMs: openedAtMs + MINUTE_MS,
    onSceneBy: ["button" as const, "gps" as const],
  };
  const console = { actor: "Zhang Wei", channel: "console" as const };
  const page = { actor: "Liu Yang", channel: "crew-page" as const };
  const move = (seq: number, kind: string, minutes: number, rest: Partial<TimelineEntry>) =>
    entry(seq, kind, openedAtMs + minutes * MINUTE_MS, rest);
  return {
    case: {
      ...baseCase("c-1041", 1041, openedAtMs, at),
      state: "verifying",
      levelDb: 58.2,
      peakDb: 81.7,
      updatedAtMs: nowMs - 9000,
      waitingFor: ["noise-01: quiet 4 of 10 min"],
      assignment,
    },
    timeline: [
      move(1, "opened", 0, { actor: "site-017", channel: "sensor", cause: "76.0 dB(A) over 10 s, limit 70.0" }),
      move(2, "proposed", 0.01, { actor: "system:dispatch" }),
      move(3, "assigned", 0.6, console),
      move(4, "notified", 0.61, { actor: "system:dispatch" }),
      move(5, "acknowledge", 1.2, { ...page, deviceTimeMs: openedAtMs + 1.2 * MINUTE_MS }),
      move(6, "en-route", 1.9, { ...page, deviceTimeMs: openedAtMs + 1.9 * MINUTE_MS }),
      move(7, "geofence", 11.4, {
        actor: "car-1",
        channel: "gps",
        position: { latitudeDeg: 39.92641, longitudeDeg: 116.44731 },
      }),
      move(8, "on-scene", 11.8, { ...page, deviceTimeMs: openedAtMs + 11.4 * MINUTE_MS }),
      move(9, "note", 14, {
        ...console,
        cause: "Site manager called back: concrete pour stopped, permit ended 22:00.",
      }),
      move(10, "alarm-cleared", 22, { actor: "site-017", channel: "sensor" }),
      move(11, "resolved", 24, { ...page, deviceTimeMs: openedAtMs + 24 * MINUTE_MS }),
      move(12, "verifying", 24.01, { actor: "system:cases" }),
    ],
    assignments: [assignment],
    candidates: CANDIDATES,
    alarms: [alarm(openedAtMs, "site-017")],
    evidence: [],
  };
}

function faultCase(nowMs: number): CaseDetail {
  const at = SITES[1] ?? SITES[0];
  if (!at) throw new Error("no site");
  const openedAtMs = nowMs - 3 * MINUTE_MS;
  return {
    case: {
      ...baseCase("c-1040", 1040, openedAtMs, at),
      family: "fault",
      title: "Device silent: dust-01",
      unwatched: true,
    },
    timeline: [entry(1, "opened", openedAtMs, { actor: "system:fleet" })],
    assignments: [],
    candidates: [],
    alarms: [],
    evidence: [],
  };
}

function closedCase(nowMs: number): CaseDetail {
  const [first] = SITES;
  if (!first) throw new Error("no site");
  const openedAtMs = nowMs - 4 * 60 * MINUTE_MS;
  return {
    case: {
      ...baseCase("c-1038", 1038, openedAtMs, first),
      state: "closed",
      closedAtMs: openedAtMs + 47 * MINUTE_MS,
      updatedAtMs: openedAtMs + 47 * MINUTE_MS,
      levelDb: 55.1,
      peakDb: 79.9,
    },
    timeline: [entry(1, "opened", openedAtMs), entry(2, "closed", openedAtMs + 47 * MINUTE_MS)],
    assignments: [],
    candidates: [],
    alarms: [],
    evidence: [],
  };
}

function nodesOf(nowMs: number): NodeView[] {
  const fine = {
    expected: 86_400,
    stored: 86_395,
    declared: 0,
    outstanding: 5,
    unexplained: 0,
    quarantined: 0,
    shed: NONE_SHED,
  };
  const online = (device: string, driver: string) => ({ device, driver, state: "online" as const, freshnessMs: 400 });
  const node = (id: string, rest: Partial<NodeView>): NodeView => ({
    id,
    version: "0.1.0",
    timeQuality: "gnss",
    presence: { transport: "connected", heartbeatAgeMs: 21_000, devices: [online("gps", "gps-nmea")] },
    accounting: { ...fine, expected: 9120, stored: 9120, outstanding: 0 },
    faults: [],
    ...rest,
  });
  return [
    node("site-042", {
      siteId: "guanghua-road-7",
      presence: {
        transport: "connected",
        heartbeatAgeMs: 34_000,
        devices: [online("noise-01", "modbus-noise"), online("noise-02", "modbus-noise"), online("gps", "gps-nmea")],
      },
      accounting: fine,
    }),
    node("site-017", {
      siteId: "dongdaqiao-east",
      presence: {
        transport: "connected",
        heartbeatAgeMs: 12_000,
        devices: [
          online("noise-01", "modbus-noise"),
          {
            device: "dust-01",
            driver: "modbus-noise",
            state: "silent",
            freshnessMs: 184_000,
            code: "MODBUS_TIMEOUT",
            message: "unit 4 did not answer within 300 ms",
            hint: "Check the power and the A/B wires of unit 4; the other units on this line answer.",
          },
        ],
      },
      accounting: { ...fine, stored: 86_388, declared: 7, outstanding: 5, shed: { ...NONE_SHED, quota: 7 } },
      faults: [{ rule: "device-silent", device: "dust-01", sinceMs: nowMs - 180_000 }],
    }),
    node("car-1", {}),
    node("car-2", {
      presence: { transport: "disconnected", heartbeatAgeMs: 412_000, devices: [online("gps", "gps-nmea")] },
      accounting: { ...fine, expected: 7204, stored: 7150, outstanding: 54 },
      faults: [{ rule: "node-silent", sinceMs: nowMs - 240_000 }],
    }),
    node("car-3", {}),
  ];
}

const NONE_SHED = { quota: 0, expired: 0, corrupt: 0, undecodable: 0 };

function runsOf(nowMs: number): RunAccounting[] {
  const count = (ranges: [number, number][]): number => ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  const run = (id: string, head: number, outstanding: [number, number][], agoMs: number): RunAccounting => ({
    run: id,
    head,
    firstReceivedMs: nowMs - agoMs - 3_600_000,
    lastReceivedMs: nowMs - agoMs,
    listed: true,
    clock: { quality: "gnss", jumps: 0 },
    counts: {
      expected: head,
      stored: head - count(outstanding),
      declared: 0,
      outstanding: count(outstanding),
      unexplained: 0,
      shed: NONE_SHED,
    },
    rangeCount: 1 + outstanding.length,
    strip: outstanding.length === 0 ? "s" : `${"s".repeat(59)}o`,
    stored: [[1, head - count(outstanding)]],
    declared: [],
    outstanding,
    unexplained: [],
  });
  return [run(RUN, 51_205, [[51_201, 51_205]], 800), run("Zq81mT0c4LkWv7pYxN2dRg", 35_195, [], 7_200_000)];
}

/** Levels of one minute: street noise, and a machine from `loudFromMs` on. */
export function minuteOf(fromMs: number, loudFromMs: number, nowMs: number) {
  const count = Math.max(1, Math.min(60, Math.floor((nowMs - fromMs) / 1000)));
  const seconds = Array.from({ length: count }, (_, i) => ({
    levelDb: levelAt(fromMs + i * 1000, loudFromMs),
    flags: [],
  }));
  return { series: encodeLevels(fromMs, seconds), laeqDb: null };
}

export function levelAt(atMs: number, loudFromMs: number): number {
  const second = Math.floor(atMs / 1000);
  const wobble = Math.sin(second / 7) * 1.6 + Math.sin(second / 2.3) * 1.1 + ((second * 7919) % 17) / 9;
  const machine = atMs >= loudFromMs ? 20 + Math.sin(second / 4) * 2.4 : 0;
  return Math.round((54.5 + wobble + machine) * 10) / 10;
}
