import { createHash } from "node:crypto";
import { BODY_SCHEMAS, RecordHead } from "../../protocol/record.ts";
import { type DecodedRecord, decodeRecord, isKind } from "../../protocol/record-codec.ts";
import { lockNode } from "../fleet/lock-node.ts";
import type { Db, Trx } from "../store/database.ts";
import { withSheds } from "../store/ledger.ts";
import { FleetFacts } from "./fleet-facts.ts";
import { insertInbox } from "./inbox-rows.ts";
import { type LedgerRow, lockLedger, saveLedger } from "./ledger-rows.ts";
import { applyRecord, noteTime } from "./record-effects.ts";

const ROWS_A_ROUND = 100;

export interface Replayed {
  /** Records of quarantine that this program can read. */
  readonly quarantined: number;
  /** Records that were stored raw since their kind was not known then. */
  readonly raw: number;
}

/**
 * At the start of a program that reads more than the one before it: what lay in quarantine or was stored raw, and can be
 * read now, takes effect as if it had come now, in the order of its runs. Done in short rounds; a round that is cut off is
 * done again, which changes nothing twice.
 */
export async function replayKnown(db: Db, nowMs: number): Promise<Replayed> {
  const reader = createHash("sha256")
    .update(JSON.stringify([RecordHead, BODY_SCHEMAS]))
    .digest("hex");
  const kinds = Object.keys(BODY_SCHEMAS);
  const rows = await db.selectFrom("meta").selectAll().where("key", "in", ["reader", "kinds"]).execute();
  const before = new Map(rows.map(({ key, value }) => [key, value]));
  if (before.get("reader") === reader) return { quarantined: 0, raw: 0 };
  const known = before.get("kinds");
  // A database from before this was noted: only its quarantine is looked at.
  const unknownThen =
    known === undefined ? [] : kinds.filter((kind) => !(JSON.parse(known) as string[]).includes(kind));
  const quarantined = await replayQuarantine(db, nowMs);
  const raw = unknownThen.length === 0 ? 0 : await replayRaw(db, unknownThen, nowMs);
  await db.transaction().execute(async (trx) => {
    for (const [key, value] of [
      ["reader", reader],
      ["kinds", JSON.stringify(kinds)],
    ] as const) {
      await trx
        .insertInto("meta")
        .values({ key, value })
        .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
        .execute();
    }
  });
  return { quarantined, raw };
}

async function replayQuarantine(db: Db, nowMs: number): Promise<number> {
  let count = 0;
  const runs = await db
    .selectFrom("quarantine")
    .select(["node", "run"])
    .where("replayed_at_ms", "is", null)
    .where("bytes", "is not", null)
    .where("code", "!=", "RECORD_CLASH")
    .distinct()
    .orderBy("node")
    .orderBy("run")
    .execute();
  for (const { node, run } of runs) {
    for (let after = 0, isMore = true; isMore; ) {
      const found = await db
        .selectFrom("quarantine")
        .select(["seq", "sha256", "bytes", "received_at_ms"])
        .where("node", "=", node)
        .where("run", "=", run)
        .where("seq", ">", after)
        .where("replayed_at_ms", "is", null)
        .where("bytes", "is not", null)
        .where("code", "!=", "RECORD_CLASH")
        .orderBy("seq")
        .limit(ROWS_A_ROUND)
        .execute();
      isMore = found.length === ROWS_A_ROUND;
      after = found.at(-1)?.seq ?? after;
      const readable = found.flatMap(({ seq, sha256, bytes, received_at_ms }) => {
        const decoded = bytes === null ? undefined : decodeRecord(bytes);
        return decoded?.ok === true && decoded.record.seq === seq && bytes !== null
          ? [{ decoded, sha256, bytes, receivedAtMs: received_at_ms }]
          : [];
      });
      if (readable.length === 0) continue;
      await db.transaction().execute(async (trx) => {
        const replay = await Replay.of(trx, node, run, nowMs);
        for (const { decoded, sha256, bytes, receivedAtMs } of readable) {
          const { seq } = decoded.record;
          const stored = await trx
            .selectFrom("inbox")
            .select("seq")
            .where("node", "=", node)
            .where("run", "=", run)
            .where("seq", "=", seq)
            .executeTakeFirst();
          if (stored === undefined) {
            await insertInbox(trx, [{ row: replay.row, item: { bytes, sha256, decoded } }], nowMs);
            await replay.take(decoded, receivedAtMs);
            count += 1;
          }
          await trx
            .updateTable("quarantine")
            .set({ replayed_at_ms: nowMs })
            .where("node", "=", node)
            .where("run", "=", run)
            .where("seq", "=", seq)
            .where("sha256", "=", sha256)
            .execute();
        }
        await replay.end();
      });
    }
  }
  return count;
}

async function replayRaw(db: Db, kinds: readonly string[], nowMs: number): Promise<number> {
  let count = 0;
  const runs = await db.selectFrom("runs").select(["node", "run"]).orderBy("node").orderBy("run").execute();
  for (const { node, run } of runs) {
    for (let after = 0, isMore = true; isMore; ) {
      const found = await db
        .selectFrom("inbox")
        .select(["seq", "bytes", "received_at_ms"])
        .where("node", "=", node)
        .where("run", "=", run)
        .where("seq", ">", after)
        .where("kind", "in", kinds)
        .orderBy("seq")
        .limit(ROWS_A_ROUND)
        .execute();
      isMore = found.length === ROWS_A_ROUND;
      after = found.at(-1)?.seq ?? after;
      if (found.length === 0) continue;
      await db.transaction().execute(async (trx) => {
        const replay = await Replay.of(trx, node, run, nowMs);
        for (const { bytes, received_at_ms } of found) {
          const decoded = decodeRecord(bytes);
          if (decoded.ok) await replay.take(decoded, received_at_ms);
        }
        await replay.end();
      });
      count += found.length;
    }
  }
  return count;
}

/** One round of one run, as history: it says nothing of the node's present. */
class Replay {
  readonly #trx: Trx;
  readonly row: LedgerRow;
  readonly #nowMs: number;
  readonly #facts = new FleetFacts();

  static async of(trx: Trx, node: string, run: string, nowMs: number): Promise<Replay> {
    await lockNode(trx, node);
    const [row] = (await lockLedger(trx, [{ node, run }], nowMs)).values();
    if (row === undefined) throw new Error(`run ${run} of ${node} was not locked`);
    return new Replay(trx, row, nowMs);
  }

  private constructor(trx: Trx, row: LedgerRow, nowMs: number) {
    this.#trx = trx;
    this.row = row;
    this.#nowMs = nowMs;
  }

  async take(decoded: DecodedRecord, receivedAtMs: number): Promise<void> {
    const { row } = this;
    const context = {
      trx: this.#trx,
      row,
      envelopeUpMs: undefined,
      isCurrentRun: false,
      facts: this.#facts,
      clockSettleMs: 0,
      nowMs: this.#nowMs,
      receivedAtMs,
    };
    await noteTime(context, decoded);
    await applyRecord(context, decoded);
    if (!isKind(decoded.known, "shed")) return;
    const { body } = decoded.known;
    if (body.run === row.run) {
      row.ledger = withSheds(row.ledger, row.run, [body]);
      return;
    }
    const [other] = (await lockLedger(this.#trx, [{ node: row.node, run: body.run }], this.#nowMs)).values();
    if (other === undefined) return;
    other.ledger = withSheds(other.ledger, other.run, [body]);
    await saveLedger(this.#trx, [other], this.#nowMs);
  }

  async end(): Promise<void> {
    await this.#facts.write(this.#trx, this.#nowMs);
    await saveLedger(this.#trx, [this.row], this.#nowMs);
  }
}
