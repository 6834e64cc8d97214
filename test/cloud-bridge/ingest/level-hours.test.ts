import { describe, expect, test } from "vitest";
import { addLevelHours } from "../../../cloud-bridge/ingest/level-hours.ts";
import { encodeEnvelope } from "../../../protocol/envelope.ts";
import { newRunId } from "../../../protocol/new-ids.ts";
import type { NoiseBody } from "../../../protocol/noise.ts";
import type { KnownRecord, NewRecord } from "../../../protocol/record.ts";
import { encodeRecord } from "../../../protocol/record-codec.ts";
import { noiseRecord } from "../../protocol/examples.ts";
import { BridgeBench, T0 } from "./bridge-bench.ts";

const HOUR_MS = 3_600_000;
const hourMs = T0 - (T0 % HOUR_MS);

function noise(minute: number, statistics: Partial<NoiseBody["statistics"]>): NewRecord {
  const record = noiseRecord(minute);
  if (record.kind !== "noise") throw new Error("no noise");
  return { ...record, body: { ...record.body, statistics: { ...record.body.statistics, ...statistics } } };
}

const hoursOf = ({ store }: BridgeBench) => store.db.selectFrom("level_hours").selectAll().orderBy("hour_ms").execute();

describe("the hours of a meter", () => {
  test("a record that says more seconds than any can hold is refused by number, and the rest is taken", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    await bridge.hello({ runs: [{ run, first: 1, head: 3 }] });
    const items = [noiseRecord(0), noise(1, { n: 1e15 }), noise(2, { valid: 1e15 })];
    const sent = encodeEnvelope(
      { run, head: 3 },
      items.map((record, i) => encodeRecord(i + 1, record)),
    );
    const refused = [2, 3].map((seq) => ({ seq, code: "ITEM_BODY" }));
    expect(await bridge.up(sent)).toMatchObject([{ type: "receipt", ranges: [[1, 3]], refused }]);
    expect(await hoursOf(bridge)).toMatchObject([{ hour_ms: hourMs, seconds: 60, valid: 60, lamax_db: 68.9 }]);
  });

  test("a record without a second, off a full hour, is stored, has its receipt and counts for nothing", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    const records = [noise(0, { n: 0, valid: 0 }), noiseRecord(1)];
    const answers = await bridge.up(bridge.envelope(run, 1, records));
    expect(answers).toContainEqual(expect.objectContaining({ type: "receipt", ranges: [[1, 2]], refused: [] }));
    expect(await hoursOf(bridge)).toMatchObject([{ hour_ms: hourMs, seconds: 60, valid: 60 }]);
  });

  test("a station's number that is no level is kept in its record, and never keeps the record from being stored", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    const records = [noise(0, { valid: 0, laeqDb: 1e12, lamaxDb: 1e12 }), noise(1, { laeqDb: 1e12 }), noiseRecord(2)];
    const answers = await bridge.up(bridge.envelope(run, 1, records));
    expect(answers).toContainEqual(expect.objectContaining({ type: "receipt", ranges: [[1, 3]], refused: [] }));
    expect(await hoursOf(bridge)).toMatchObject([{ seconds: 180, valid: 60, lamax_db: 68.9 }]);
  });

  test("what a looser contract would let in is bounded once more, so that no number of a record is a number of turns", async () => {
    await using bridge = await BridgeBench.open();
    const run = newRunId();
    const ledger = { head: 1, stored: [], declared: [] };
    const row = { node: "site-1", run, ledger, isListed: true, marks: [] };
    const rows = [noise(0, { n: 1e15 }), noiseRecord(1)].map((record, i) => {
      const known = { ...record, seq: i + 1 } as KnownRecord;
      return { row, item: { bytes: Buffer.of(), sha256: "", decoded: { ok: true as const, record: known, known } } };
    });
    await bridge.store.db.transaction().execute((trx) => addLevelHours(trx, rows));
    expect(await hoursOf(bridge)).toMatchObject([{ seconds: 60, valid: 60 }]);
  });
});
