import type { ExpressionBuilder } from "kysely";
import type { Sha256 } from "../../protocol/ids.ts";
import type { Db, Trx } from "../store/database.ts";
import type { Tables } from "../store/schema.ts";
import type { BlobKey } from "./blob-files.ts";
import type { BlobState, KnownBlob } from "./blob-verdict.ts";

/** A row as the intake holds it: `receivedBytes` is what was certain when the row was written. */
export interface BlobRow extends KnownBlob {
  readonly receivedBytes: number;
  readonly firstAtMs: number;
}

export async function loadBlob(db: Db, { node, blob }: BlobKey): Promise<BlobRow | undefined> {
  const row = await db
    .selectFrom("blobs")
    .selectAll()
    .where("node", "=", node)
    .where("sha256", "=", blob)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    sizeBytes: row.size_bytes,
    receivedBytes: row.received_bytes,
    state: row.state as BlobState,
    restarts: row.restarts,
    firstAtMs: row.first_at_ms,
    ...(row.code === null ? {} : { code: row.code }),
  };
}

export async function saveBlob(db: Db | Trx, { node, blob }: BlobKey, row: BlobRow, nowMs: number): Promise<void> {
  const values = {
    size_bytes: row.sizeBytes,
    received_bytes: row.receivedBytes,
    state: row.state,
    restarts: row.restarts,
    code: row.code ?? null,
    updated_at_ms: nowMs,
  };
  await db
    .insertInto("blobs")
    .values({ node, sha256: blob, first_at_ms: row.firstAtMs, ...values })
    .onConflict((conflict) => conflict.columns(["node", "sha256"]).doUpdateSet(values))
    .execute();
}

/** A whole file that nobody has named yet: it goes like every such file, unless somebody does. */
export async function noteUnnamed(db: Db, { node, blob }: BlobKey, sizeBytes: number, nowMs: number): Promise<void> {
  const stored = { size_bytes: sizeBytes, received_bytes: sizeBytes, state: "stored", restarts: 0, code: null };
  await db
    .insertInto("blobs")
    .values({ node, sha256: blob, ...stored, first_at_ms: nowMs, updated_at_ms: nowMs })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Of a node's files those of which it is known how they ended. */
export async function settledBlobs(db: Db, node: string): Promise<ReadonlySet<Sha256>> {
  const rows = await db
    .selectFrom("blobs")
    .select("sha256")
    .where("node", "=", node)
    .where("state", "!=", "partial")
    .execute();
  return new Set(rows.map(({ sha256 }) => sha256));
}

/** Has this upload not moved since? */
export async function isStale(db: Db, { node, blob }: BlobKey, staleAtMs: number): Promise<boolean> {
  const row = await db
    .selectFrom("blobs")
    .select("sha256")
    .where("node", "=", node)
    .where("sha256", "=", blob)
    .where("updated_at_ms", "<", staleAtMs)
    .executeTakeFirst();
  return row !== undefined;
}

/** Does a committed record hold these very bytes? */
export async function isInline(db: Db, { node, blob }: BlobKey): Promise<boolean> {
  const row = await partOf(db, node, blob).where("inline", "=", 1).executeTakeFirst();
  return row !== undefined;
}

/** Has a record come that names this file? */
export async function isAnnounced(db: Db, { node, blob }: BlobKey): Promise<boolean> {
  return (await partOf(db, node, blob).executeTakeFirst()) !== undefined;
}

function partOf(db: Db, node: string, blob: Sha256) {
  return db.selectFrom("evidence_parts").select("name").where("node", "=", node).where("sha256", "=", blob);
}

/** What a file costs that nobody announced, be it empty or refused: a row, and a block or two. */
const ORPHAN_OVERHEAD_BYTES = 8192;

/** Bytes of evidence that lie in files now. */
export async function bytesOnDisk(db: Db): Promise<number> {
  const row = await db
    .selectFrom("blobs")
    .select(({ fn }) => fn.sum<number | null>("received_bytes").as("bytes"))
    .where("state", "in", ["partial", "stored"])
    .executeTakeFirst();
  return Number(row?.bytes ?? 0);
}

export interface UsedBytes {
  readonly node: number;
  /** Files whose record has not come, with what each costs by being there. */
  readonly orphans: number;
}

/** A file that no evidence record names. */
export const isUnannounced = ({ not, exists, selectFrom }: ExpressionBuilder<Tables, "blobs">) =>
  not(
    exists(
      selectFrom("evidence_parts")
        .select("evidence_parts.name")
        .whereRef("evidence_parts.node", "=", "blobs.node")
        .whereRef("evidence_parts.sha256", "=", "blobs.sha256"),
    ),
  );

/**
 * What is promised room: whole files, and partial ones at their full size; of those that have not moved since `staleAtMs` only
 * what has come, since a node that is gone for good must not hold the room of others.
 */
export async function usedBytes(db: Db, node: string, staleAtMs: number): Promise<UsedBytes> {
  const own = await promisedBytes(db, staleAtMs).where("node", "=", node).executeTakeFirst();
  const orphans = await db
    .selectFrom("blobs")
    .select(({ fn }) => [
      fn.countAll<number>().as("count"),
      fn.sum<number>("size_bytes").filterWhere("state", "in", ["partial", "stored"]).as("bytes"),
    ])
    .where("node", "=", node)
    .where(isUnannounced)
    .executeTakeFirst();
  return {
    node: Number(own?.bytes ?? 0),
    orphans: Number(orphans?.bytes ?? 0) + Number(orphans?.count ?? 0) * ORPHAN_OVERHEAD_BYTES,
  };
}

/** Of all nodes: reads every row. */
export async function allUsedBytes(db: Db, staleAtMs: number): Promise<number> {
  return Number((await promisedBytes(db, staleAtMs).executeTakeFirst())?.bytes ?? 0);
}

function promisedBytes(db: Db, staleAtMs: number) {
  return db
    .selectFrom("blobs")
    .select(({ fn, eb }) =>
      fn
        .sum<number>(
          eb
            .case()
            .when(eb.and([eb("state", "=", "partial"), eb("updated_at_ms", "<", staleAtMs)]))
            .then(eb.ref("received_bytes"))
            .else(eb.ref("size_bytes"))
            .end(),
        )
        .as("bytes"),
    )
    .where("state", "in", ["partial", "stored"]);
}
