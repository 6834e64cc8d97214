import { afterAll, beforeAll, expect, test } from "vitest";
import type { NodeView } from "../../../cloud-bridge/api/schema/fleet.ts";
import type { FleetSummary, HealthSeries } from "../../../cloud-bridge/api/schema/fleet-list.ts";
import { putUnit } from "../../../cloud-bridge/roster/units.ts";
import { encodeRecord } from "../../../protocol/record-codec.ts";
import type { ApiClient } from "../../fakes/api-client.ts";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";

const NODES = 60;
const HEALTH = {
  ...{ rssBytes: 1e8, cpuPct: 2, journalBytes: 4e6, unsentRecords: 0, laneDepth: [0, 0, 0, 0, 0] },
  ...{ missedPolls: 0, eventLoopDelayP99Ms: 4, devices: { meter: "online" as const } },
};

let api: Awaited<ReturnType<typeof startTestApi>>;
let viewer: ApiClient;
beforeAll(async () => {
  api = await startTestApi(await makeTestAuthority());
  viewer = await api.as("viewer");
  const { db } = api.store;
  await putUnit(db, { id: "west", name: "West street", level: "street" });
  await putUnit(db, { id: "west-3", name: "Third community", level: "community", parentId: "west" });
  await putUnit(db, { id: "east", name: "East street", level: "street" });
  const units = ["west", "west-3", "east", null];
  const times = { created_at_ms: 1, time_zone: "Asia/Shanghai", source: "operator" };
  for (let index = 0; index < NODES; index += 1) {
    const id = `n-${String(index).padStart(2, "0")}`;
    const site = `site-${index % 8}`;
    if (index < 8) {
      await db
        .insertInto("sites")
        .values({ id: site, name: `Block ${8 - index}`, unit_id: units[index % 4] ?? null, ...times })
        .execute();
    }
    await db
      .insertInto("nodes")
      .values({
        ...{ id, site_id: site, created_at_ms: 1, online: index % 5 === 0 ? 0 : 1, state_at_ms: 1 },
        ...{ version: index % 2 === 0 ? "0.1.0" : "0.2.0", config_sha256: String(index % 3).repeat(64) },
        ...{ health_at_ms: 1_000_000 - index, time_quality: "ntp" },
        health: JSON.stringify({ ...HEALTH, unsentRecords: index, hoursToFull: 500 - index }),
      })
      .execute();
    await db
      .insertInto("device_state")
      .values({ node: id, device: "meter", state: index === 7 ? "offline" : "online", at_ms: 1 })
      .execute();
  }
});
afterAll(() => api.close());

async function idsOf(query: string, limit = 7): Promise<string[]> {
  const ids: string[] = [];
  let cursor = "";
  for (;;) {
    const { json, status, text } = await viewer.ask(`/api/v1/nodes?limit=${limit}&${query}${cursor}`);
    if (status !== 200) throw new Error(text);
    const { items, next } = json as { items: NodeView[]; next?: string };
    ids.push(...items.map(({ id }) => id));
    if (next === undefined) return ids;
    cursor = `&cursor=${next}`;
  }
}

test("pages of a fleet meet without a gap in every order, by group and against it", async () => {
  const all = await idsOf("", 500);
  expect(all).toHaveLength(NODES);
  for (const sort of ["id", "site", "unit", "version", "standing", "heartbeat", "faults", "unsent", "hoursToFull"]) {
    for (const way of ["", "-"]) {
      for (const group of ["", "&group=unit", "&group=site", "&group=config"]) {
        const paged = await idsOf(`sort=${way}${sort}${group}`, 17);
        expect(paged, `${way}${sort}${group}`).toEqual(await idsOf(`sort=${way}${sort}${group}`, 500));
        expect(new Set(paged).size).toBe(NODES);
      }
    }
  }
  expect((await idsOf("sort=heartbeat"))[0]).toBe("n-59");
  expect((await idsOf("sort=-unsent"))[0]).toBe("n-59");
  const other = (await viewer.ask("/api/v1/nodes?limit=5&sort=unsent")).json as { next: string };
  const wrong = await viewer.ask(`/api/v1/nodes?limit=5&sort=-unsent&cursor=${other.next}`);
  expect(wrong.json).toMatchObject({ code: "CURSOR_INVALID" });
});

test("members of a group stand together by its name, and who belongs to nobody comes last", async () => {
  const { json } = await viewer.ask("/api/v1/nodes?limit=500&group=unit&sort=-id");
  const { items } = json as { items: NodeView[] };
  const unitOf = (view: NodeView) =>
    ["West street", "Third community", "East street", ""][(Number(view.id.slice(2)) % 8) % 4];
  const groups = items.map(unitOf).filter((unit, index, list) => unit !== list[index - 1]);
  expect(groups).toEqual(["East street", "Third community", "West street", ""]);
  expect(items.slice(0, 2).map(({ id }) => id)).toEqual(["n-58", "n-54"]);
});

test("filters choose by what the node says, by its site, and by a unit with all below it", async () => {
  expect(await idsOf("device=offline")).toEqual(["n-07"]);
  expect(await idsOf("standing=attention")).toEqual(["n-07"]);
  expect(await idsOf("q=block%208&online=true&version=0.1.0")).toEqual([
    "n-08",
    "n-16",
    "n-24",
    "n-32",
    "n-48",
    "n-56",
  ]);
  expect(await idsOf("fullWithinH=442")).toEqual(["n-58", "n-59"]);
  expect(await idsOf("unitId=west-3")).toHaveLength(15);
  expect(await idsOf("unitId=west")).toHaveLength(31 - 1);
  expect(await idsOf("config=0000")).toHaveLength(20);
  const summary = (await viewer.ask("/api/v1/fleet/summary?group=unit&online=true")).json as FleetSummary;
  expect(summary.total).toMatchObject({ nodes: 48, away: 0, attention: 1, ok: 47 });
  expect(summary.groups.reduce((sum, { nodes }) => sum + nodes, 0)).toBe(48);
  expect(summary.groups.find(({ key }) => key === "west")).toMatchObject({ name: "West street" });
  expect(summary.facets.versions).toEqual([
    { value: "0.1.0", nodes: 24 },
    { value: "0.2.0", nodes: 24 },
  ]);
});

test("health over time is what the node said, step by step, and a silent step is not there", async () => {
  const { db } = api.store;
  const fromMs = Date.UTC(2026, 10, 25);
  const say = async (seq: number, minute: number, more: object) => {
    const atMs = fromMs + minute * 60_000;
    const stamp = { upMs: minute * 60_000, atMs, timeQuality: "ntp" } as const;
    const bytes = encodeRecord(seq, { ...stamp, kind: "health", body: { ...HEALTH, ...more } });
    const row = { node: "n-01", run: "r", seq, received_at_ms: atMs, kind: "health", up_ms: stamp.upMs, at_ms: atMs };
    await db
      .insertInto("inbox")
      .values({ ...row, time_quality: "ntp", sha256: `h${seq}`, bytes })
      .execute();
  };
  await say(1, 1, { cpuPct: 2, unsentRecords: 5, hoursToFull: 90 });
  await say(2, 2, { cpuPct: 4, unsentRecords: 9, hoursToFull: 80, devices: { meter: "silent" } });
  await say(3, 50, { cpuPct: 6 });
  const day = `fromMs=${fromMs}&toMs=${fromMs + 24 * 3_600_000}`;
  const { json } = await viewer.ask(`/api/v1/nodes/n-01/health?${day}`);
  const { points, stepMs } = json as HealthSeries;
  expect(stepMs).toBe(288_000);
  expect(points).toEqual([
    expect.objectContaining({
      atMs: fromMs,
      cpuPct: 3,
      unsentRecords: 9,
      hoursToFull: 80,
      words: 2,
      troubled: ["meter"],
    }),
    expect.objectContaining({ atMs: fromMs + 10 * stepMs, cpuPct: 6, words: 1, troubled: [] }),
  ]);
  const long = await viewer.ask(`/api/v1/nodes/n-01/health?fromMs=0&toMs=${fromMs}`);
  expect(long.json).toMatchObject({ code: "SPAN_TOO_LONG" });
  expect((await viewer.ask(`/api/v1/nodes/nobody/health?${day}`)).status).toBe(404);
});
