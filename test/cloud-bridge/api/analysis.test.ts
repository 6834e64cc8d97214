import { afterAll, beforeAll, expect, test } from "vitest";
import { FiguresThread } from "../../../cloud-bridge/figures-thread.ts";
import { Ingest } from "../../../cloud-bridge/ingest/ingest.ts";
import { silentLogger } from "../../../cloud-bridge/store/logger.ts";
import { encodeEnvelope } from "../../../protocol/envelope.ts";
import { newRunId } from "../../../protocol/new-ids.ts";
import { encodeRecord } from "../../../protocol/record-codec.ts";
import type { ApiClient } from "../../fakes/api-client.ts";
import { startTestApi } from "../../fakes/api-server.ts";
import { makeTestAuthority } from "../../fakes/node-identity.ts";
import { noiseRecord } from "../../protocol/examples.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let api: Awaited<ReturnType<typeof startTestApi>>;
let admin: ApiClient;
let fromMs: number;
let query: string;

beforeAll(async () => {
  api = await startTestApi(await makeTestAuthority());
  admin = await api.as("admin");
  const minutes = Array.from({ length: 120 }, (_, minute) => noiseRecord(minute));
  fromMs = minutes[0]?.atMs ?? 0;
  query = `fromMs=${fromMs - DAY_MS}&toMs=${fromMs + DAY_MS}`;
  const { db } = api.store;
  const site = { time_zone: "Asia/Shanghai", radius_m: 100, created_at_ms: 0, source: "test" };
  const place = { latitude_deg: 39.912, longitude_deg: 116.456 };
  for (const unit of ["one", "two"]) {
    await db.insertInto("units").values({ id: unit, name: unit, level: "street", parent_id: null }).execute();
    await db
      .insertInto("sites")
      .values({ ...site, ...place, id: `site-${unit}`, name: unit, unit_id: unit })
      .execute();
  }
  const binding = { node: "site-1", device: "noise-01", driver: null, quantity: null, source: "test" };
  await db
    .insertInto("bindings")
    .values({ ...binding, site_id: "site-one", from_ms: 0, to_ms: null })
    .execute();
  const ingest = new Ingest({
    store: api.store,
    clock: { nowMs: () => fromMs + 3 * HOUR_MS, upMs: () => 0 },
    log: silentLogger,
    publishReceipt: () => {},
  });
  const run = newRunId();
  const items = minutes.map((record, index) => encodeRecord(index + 1, record));
  await ingest.onUp("site-1", encodeEnvelope({ run, head: items.length, upMs: 2 * HOUR_MS }, items));
  await ingest.idle();
  const at = { opened_at_ms: fromMs + HOUR_MS, updated_at_ms: fromMs, last_alarm_at_ms: fromMs, number: 1 };
  const plain = { nature: "condition", title: "loud", rule: "night-noise", node: "site-1" };
  for (const [index, [id, unit, foundBy, state]] of [
    ["c-1", "one", "meter", "closed"],
    ["c-2", "one", "citizen", "open"],
    ["c-3", "two", "meter", "false-alarm"],
  ].entries()) {
    if (id === undefined || unit === undefined || foundBy === undefined || state === undefined) continue;
    await db
      .insertInto("cases")
      .values({
        ...{ ...at, ...plain, ...place, id, state, family: "noise", site_id: `site-${unit}`, found_by: foundBy },
        ...{ number: index + 1, closed_at_ms: state === "open" ? null : fromMs + 2 * HOUR_MS },
      })
      .execute();
    await db.insertInto("case_units").values({ case_id: id, unit_id: unit, why: "site", since_ms: fromMs }).execute();
  }
});
afterAll(() => api.close());

test("figures are of the period that was asked for, and the one before stands beside them", async () => {
  const { json } = await admin.ask(`/api/v1/analysis/response?${query}&groupBy=foundBy`);
  expect(json).toMatchObject({
    figures: { cases: 3, openNow: 1, openedToClosed: { n: 2, p50Ms: HOUR_MS }, verified: { n: 1, of: 1, share: 1 } },
    before: { cases: 0, verified: { of: 0, share: null } },
    groups: [
      { key: "meter", figures: { cases: 2 } },
      { key: "citizen", figures: { cases: 1 } },
    ],
  });
  expect((await admin.ask(`/api/v1/analysis/outcomes?${query}`)).json).toMatchObject({
    outcomes: [
      { foundBy: "meter", cases: 2, verified: 1, falseAlarms: 1 },
      { foundBy: "citizen", cases: 1, open: 1 },
    ],
  });
});

test("the three highs know how long a meter watched, and warnings what was usual", async () => {
  const { json } = await admin.ask(`/api/v1/analysis/highs?${query}&leastHours=1`);
  expect(json).toMatchObject({
    ...{ timeZone: "Asia/Shanghai", cases: 3, casesBefore: 0, withoutPlace: 0, unplacedHours: 0 },
    places: [{ cases: 3, byMachine: 2, observedHours: 2, per100Hours: 100 }],
  });
  expect((await admin.ask(`/api/v1/analysis/warnings?${query}&by=site&leastCases=2`)).json).toMatchObject({
    baselinePeriods: 8,
    warnings: [
      { key: "site-one", cases: 2, usual: 0, colour: "red" },
      { key: "site-two", cases: 1 },
    ],
  });
  expect((await admin.ask(`/api/v1/analysis/meters?${query}&leastHours=1`)).json).toMatchObject({
    to: [],
    from: [{ node: "site-1", siteId: "site-one", observedHours: 2, cases: 1 }],
  });
});

test("hours of a meter are there when its levels are gone", async () => {
  await api.store.db.deleteFrom("inbox").execute();
  const { json } = await admin.ask(`/api/v1/nodes/site-1/hours?device=noise-01&${query}`);
  const { hours } = json as { hours: { validSeconds: number; laeqDb: number }[] };
  expect(hours.reduce((total, { validSeconds }) => total + validSeconds, 0)).toBe(7200);
  expect(new Set(hours.map(({ laeqDb }) => laeqDb))).toEqual(new Set([67.1]));
});

test("whoever belongs to a unit sees its figures only, and a period must be one", async () => {
  const viewer = await api.as("viewer");
  await api.store.db.updateTable("accounts").set({ unit_id: "two" }).where("role", "=", "viewer").execute();
  expect((await viewer.ask(`/api/v1/analysis/response?${query}`)).json).toMatchObject({ figures: { cases: 1 } });
  expect((await viewer.ask(`/api/v1/analysis/response?${query}&unitId=one`)).json).toMatchObject({
    figures: { cases: 0 },
  });
  expect((await viewer.ask(`/api/v1/analysis/highs?${query}`)).json).toMatchObject({
    places: [{ cases: 1, observedHours: 0, per100Hours: null }],
  });
  for (const [span, code] of [
    ["fromMs=5&toMs=5", "SPAN_EMPTY"],
    [`fromMs=0&toMs=${400 * DAY_MS}`, "SPAN_TOO_LONG"],
  ]) {
    expect((await admin.ask(`/api/v1/analysis/outcomes?${span}`)).json).toMatchObject({ status: 400, code });
  }
});

test("a case that nobody answered for is counted by the ground that it lies on, and else by no unit, with its site named", async () => {
  const { db } = api.store;
  const byUnit = async (more = "") =>
    (await admin.ask(`/api/v1/analysis/response?${query}&groupBy=unit${more}`)).json as {
      groups: { key: string; figures: { cases: number } }[];
      sitesWithoutUnit?: string[];
    };
  const counts = async (more = "") => (await byUnit(more)).groups.map(({ key, figures }) => [key, figures.cases]);
  expect(await counts()).toEqual([
    ["one", 2],
    ["two", 1],
  ]);
  const site = { time_zone: "Asia/Shanghai", created_at_ms: 0, source: "test", unit_id: null };
  const far = { latitude_deg: 39.95, longitude_deg: 116.3 };
  await db
    .insertInto("sites")
    .values({ ...site, ...far, id: "site-free", name: "Free" })
    .execute();
  const opened = { opened_at_ms: fromMs + HOUR_MS, updated_at_ms: fromMs, last_alarm_at_ms: fromMs };
  const plain = { nature: "condition", title: "loud", rule: "night-noise", node: "site-1", family: "noise" };
  for (const [number, more] of [
    { id: "c-free", site_id: "site-free", state: "closed", closed_at_ms: fromMs + 2 * HOUR_MS },
    { id: "c-placed", site_id: null, state: "open", ...far },
    { id: "c-lost", site_id: null, state: "open" },
    { id: "c-help", site_id: null, state: "open" },
  ].entries()) {
    await db
      .insertInto("cases")
      .values({ ...opened, ...plain, ...more, number: 10 + number, found_by: "meter" })
      .execute();
  }
  // A crew of theirs was sent; that is a part in it, and does not make them answer for the place.
  await db.insertInto("case_units").values({ case_id: "c-help", unit_id: "two", why: "crew", since_ms: 0 }).execute();
  // The same question is answered once for a while: each of these is another.
  expect(await byUnit("&satisfiedFrom=2")).toMatchObject({
    groups: [
      { key: "", figures: { cases: 4 } },
      { key: "one", figures: { cases: 2 } },
      { key: "two", figures: { cases: 1 } },
    ],
    sitesWithoutUnit: ["site-free"],
  });
  const outline = [39.94, 39.96].flatMap((latitudeDeg, index) =>
    [116.29, 116.31].map((_, corner, both) => ({ latitudeDeg, longitudeDeg: both[index === 0 ? corner : 1 - corner] })),
  );
  const areas = JSON.stringify([{ kind: "polygon", outline }]);
  await db.updateTable("units").set({ areas }).where("id", "=", "two").execute();
  const later = `&satisfiedFrom=3`;
  expect(await counts(later)).toEqual([
    ["two", 3],
    ["", 2],
    ["one", 2],
  ]);
  expect((await byUnit(later)).sitesWithoutUnit).toBeUndefined();
  expect(await counts(`${later}&unitId=two`)).toEqual([
    ["two", 3],
    ["", 1],
  ]);
  await db
    .insertInto("bindings")
    .values({ node: "site-9", device: "noise-01", source: "test", site_id: "site-free", from_ms: 0, to_ms: null })
    .execute();
  const hours = await db.selectFrom("level_hours").selectAll().where("node", "=", "site-1").execute();
  await db
    .insertInto("level_hours")
    .values(hours.map((hour) => ({ ...hour, node: "site-9" })))
    .execute();
  const highs = (await admin.ask(`/api/v1/analysis/highs?${query}&leastHours=1&unitId=two`)).json as {
    places: { observedHours: number }[];
  };
  expect(highs.places.map(({ observedHours }) => observedHours)).toContain(2);
  expect((await admin.ask(`/api/v1/analysis/meters?${query}&leastHours=1&unitId=two`)).json).toMatchObject({
    from: [{ node: "site-9", siteId: "site-free", observedHours: 2 }],
  });
});

test("figures are counted beside the bridge, the same question once, and a thread that dies is no silence", async () => {
  const state = api.state;
  const thread = new FiguresThread({ store: "sqlite", state }, () => performance.now());
  const period = { fromMs: fromMs - DAY_MS, toMs: fromMs + DAY_MS };
  const request = { kind: "outcomes", period, filter: {}, nowMs: fromMs } as const;
  const [one, two] = [thread.ask(request), thread.ask({ ...request, nowMs: fromMs + 1 })];
  expect(two).toBe(one);
  expect(await one).toHaveLength(2);
  const others = Array.from({ length: 21 }, (_, day) =>
    thread.ask({ ...request, period: { fromMs: day, toMs: fromMs + day } }).then(
      () => "told",
      (error: { code: string }) => error.code,
    ),
  );
  expect((await Promise.all(others)).toSorted()).toEqual(["FIGURES_BUSY", ...Array.from({ length: 20 }, () => "told")]);
  const waiting = thread.ask({ ...request, filter: { siteId: "site-one" } }).catch(({ code }) => code);
  await thread.close();
  expect(await waiting).toBe("FIGURES_BUSY");
});
