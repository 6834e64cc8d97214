import { inflateRawSync } from "node:zlib";
import { Value } from "typebox/value";
import type { ResultBody } from "../../protocol/bodies.ts";
import { ConfigApplied, ConfigTold, MAX_CONFIG_CHARACTERS, ReportedConfig } from "../../protocol/twin.ts";
import type { Db, Trx } from "../store/database.ts";

export interface ReportedFacts extends ReportedConfig {
  readonly atMs: number;
}

/** What the node told when it was asked. */
export interface ToldConfig {
  readonly sha256: string;
  readonly document: string;
  readonly atMs: number;
}

/** What a node's newest start says is in force. */
export async function noteReported(trx: Trx, node: string, reported: ReportedConfig, nowMs: number): Promise<void> {
  const values = { reported: JSON.stringify(reported), reported_at_ms: nowMs };
  await trx
    .insertInto("node_twins")
    .values({ node, ...values })
    .onConflict((conflict) => conflict.column("node").doUpdateSet(values))
    .execute();
  if (reported.isTrial) return;
  await trx
    .updateTable("node_configs")
    .set({ confirmed_at_ms: nowMs })
    .where("node", "=", node)
    .where("sha256", "=", reported.sha256)
    .where("confirmed_at_ms", "is", null)
    .execute();
}

/** The answer to a `config` command: it was confirmed, or it was told; what was taken back says its own start record. */
export async function noteConfigResult(
  trx: Trx,
  node: string,
  { ok, value }: ResultBody,
  nowMs: number,
): Promise<void> {
  if (!ok) return;
  if (Value.Check(ConfigApplied, value)) {
    const { reported } = await twinOf(trx, node);
    if (reported?.sha256 !== value.sha256) return;
    const { atMs: _, ...facts } = reported;
    await noteReported(
      trx,
      node,
      { ...facts, lastGood: value.sha256, revision: value.revision, isTrial: false },
      nowMs,
    );
    return;
  }
  if (!Value.Check(ConfigTold, value)) return;
  const document = inflated(value.deflated);
  if (document === undefined) return;
  const values = { told_sha256: value.sha256, told_document: document, told_at_ms: nowMs };
  await trx
    .insertInto("node_twins")
    .values({ node, ...values })
    .onConflict((conflict) => conflict.column("node").doUpdateSet(values))
    .execute();
}

export async function twinOf(
  db: Db | Trx,
  node: string,
): Promise<{ readonly reported?: ReportedFacts; readonly told?: ToldConfig }> {
  const row = await db.selectFrom("node_twins").selectAll().where("node", "=", node).executeTakeFirst();
  if (row === undefined) return {};
  const reported: unknown = row.reported === null ? undefined : JSON.parse(row.reported);
  const { told_sha256: sha256, told_document: document, told_at_ms: atMs } = row;
  return {
    ...(Value.Check(ReportedConfig, reported) ? { reported: { ...reported, atMs: row.reported_at_ms ?? 0 } } : {}),
    ...(sha256 === null || document === null ? {} : { told: { sha256, document, atMs: atMs ?? 0 } }),
  };
}

function inflated(base64: string): string | undefined {
  try {
    const bytes = inflateRawSync(Buffer.from(base64, "base64"), { maxOutputLength: 4 * MAX_CONFIG_CHARACTERS });
    return bytes.toString("utf8");
  } catch {
    return undefined;
  }
}
