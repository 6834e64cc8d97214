import { randomUUID } from "node:crypto";
import type { Selectable } from "kysely";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { prepared } from "../store/prepared.ts";
import type { PermitsTable } from "../store/roster-tables.ts";
import { unknownSite } from "./sites.ts";

/** A night work permit (夜间施工许可) of a site. What it covers is recorded and shown, and not dispatched by itself. */
export interface PermitFacts {
  readonly id: string;
  readonly siteId: string;
  /** As the authority numbers it. */
  readonly number: string;
  /** Rules that it covers; every noise rule where left out. */
  readonly rules?: string[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly issuedBy?: string;
  readonly note?: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly revokedAtMs?: number;
  readonly revokedBy?: string;
  readonly revokeCause?: string;
}

export type NewPermit = Pick<PermitFacts, "siteId" | "number" | "rules" | "fromMs" | "toMs" | "issuedBy" | "note">;

/**
 * A clock of an edge that lies further than this from ours cannot place an alarm inside a permit. So much before the permit's
 * time an alarm may be stamped that stands when it has begun: it is covered whether it came before the beginning or after.
 */
const CLOCK_SLACK_MS = 10 * 60_000;

/** @throws BridgeError SITE_UNKNOWN, PERMIT_EMPTY */
export async function addPermit(trx: Trx, permit: NewPermit, by: string, nowMs: number): Promise<PermitFacts> {
  const site = await trx.selectFrom("sites").select("id").where("id", "=", permit.siteId).executeTakeFirst();
  if (site === undefined) throw unknownSite(permit.siteId, 422);
  if (permit.toMs <= permit.fromMs) {
    throw new BridgeError("PERMIT_EMPTY", "a permit must end after it begins", {
      status: 422,
      hint: "Give `toMs` later than `fromMs`, both UTC in milliseconds.",
    });
  }
  const row: Selectable<PermitsTable> = {
    id: randomUUID(),
    site_id: permit.siteId,
    number: permit.number,
    rules: JSON.stringify(permit.rules ?? []),
    from_ms: permit.fromMs,
    to_ms: permit.toMs,
    issued_by: permit.issuedBy ?? null,
    note: permit.note ?? null,
    created_by: by,
    created_at_ms: nowMs,
    revoked_at_ms: null,
    revoked_by: null,
    revoke_cause: null,
  };
  await trx.insertInto("permits").values(row).execute();
  return permitOf(row);
}

/**
 * From now on it covers nothing; that it did is kept.
 * @throws BridgeError PERMIT_UNKNOWN, PERMIT_REVOKED
 */
export async function revokePermit(
  trx: Trx,
  id: string,
  { by, cause, nowMs }: { by: string; cause: string; nowMs: number },
): Promise<PermitFacts> {
  const permit = await findPermit(trx, id);
  if (permit.revokedAtMs !== undefined) {
    throw new BridgeError("PERMIT_REVOKED", `permit ${permit.number} was revoked by ${permit.revokedBy}`, {
      status: 409,
      hint: "Load it again; a new permit is made with POST /api/v1/permits.",
    });
  }
  const set = { revoked_at_ms: nowMs, revoked_by: by, revoke_cause: cause };
  await trx.updateTable("permits").set(set).where("id", "=", id).execute();
  return findPermit(trx, id);
}

/** @throws BridgeError PERMIT_UNKNOWN */
export async function findPermit(db: Db | Trx, id: string): Promise<PermitFacts> {
  const row = await db.selectFrom("permits").selectAll().where("id", "=", id).executeTakeFirst();
  if (row !== undefined) return permitOf(row);
  throw new BridgeError("PERMIT_UNKNOWN", `there is no permit ${id}`, {
    status: 404,
    hint: "GET /api/v1/permits lists them.",
  });
}

export async function listPermits(
  db: Db,
  filter: { readonly siteId?: string; readonly fromMs?: number; readonly toMs?: number } = {},
): Promise<readonly PermitFacts[]> {
  let rows = db.selectFrom("permits").selectAll().orderBy("from_ms").orderBy("id");
  if (filter.siteId !== undefined) rows = rows.where("site_id", "=", filter.siteId);
  if (filter.fromMs !== undefined) rows = rows.where("to_ms", ">", filter.fromMs);
  if (filter.toMs !== undefined) rows = rows.where("from_ms", "<", filter.toMs);
  return (await rows.execute()).map(permitOf);
}

/**
 * Number of the permit that covers a rule at a site, at a time that an edge told and by our own clock too: a box that
 * believes another day must not find an old permit.
 */
export async function permitCovering(
  trx: Trx,
  { siteId, rule, atMs, nowMs }: { siteId: string; rule: string; atMs: number; nowMs: number },
): Promise<string | undefined> {
  const { rows } = await covering(trx, {
    siteId,
    atMs,
    nowMs,
    beganMs: atMs + CLOCK_SLACK_MS,
    endedMs: nowMs - CLOCK_SLACK_MS,
  });
  return rows.find(({ rules }) => covers(storedRules(rules), rule))?.number;
}

type CoveredAt = { siteId: string; atMs: number; nowMs: number; beganMs: number; endedMs: number };
const covering = prepared((db, at: CoveredAt) =>
  db
    .selectFrom("permits")
    .select(["number", "rules"])
    .where("site_id", "=", at.siteId)
    .where("revoked_at_ms", "is", null)
    .where("from_ms", "<=", at.beganMs)
    .where("to_ms", ">", at.atMs)
    .where("from_ms", "<=", at.nowMs)
    .where("to_ms", ">", at.endedMs)
    .orderBy("to_ms", "desc"),
);

function covers(rules: readonly string[], rule: string): boolean {
  return rules.length === 0 || rules.includes(rule);
}

function storedRules(text: string): string[] {
  return JSON.parse(text) as string[];
}

function permitOf(row: Selectable<PermitsTable>): PermitFacts {
  const rules = storedRules(row.rules);
  return {
    id: row.id,
    siteId: row.site_id,
    number: row.number,
    ...(rules.length === 0 ? {} : { rules }),
    fromMs: row.from_ms,
    toMs: row.to_ms,
    ...(row.issued_by === null ? {} : { issuedBy: row.issued_by }),
    ...(row.note === null ? {} : { note: row.note }),
    createdBy: row.created_by,
    createdAtMs: row.created_at_ms,
    ...(row.revoked_at_ms === null ? {} : { revokedAtMs: row.revoked_at_ms }),
    ...(row.revoked_by === null ? {} : { revokedBy: row.revoked_by }),
    ...(row.revoke_cause === null ? {} : { revokeCause: row.revoke_cause }),
  };
}
