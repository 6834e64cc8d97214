import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { Selectable } from "kysely";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { SourceTokensTable } from "../store/roster-tables.ts";
import { findUnit } from "./units.ts";

export const SOURCE_CHANNELS = ["order", "citizen", "patrol", "video-round"] as const;
export type SourceChannel = (typeof SOURCE_CHANNELS)[number];

/** Another system that reports: what it shows is its own, of one source, and does nothing else. */
export interface SourceFacts {
  readonly id: string;
  readonly name: string;
  readonly source: string;
  readonly channels: SourceChannel[];
  /** What it reports is for this unit or one below it. */
  readonly unitId?: string;
  readonly perMinute: number;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
  readonly lastUsedAtMs?: number;
  readonly revokedAtMs?: number;
  readonly revokedBy?: string;
}

export type NewSource = Pick<SourceFacts, "name" | "source"> &
  Partial<Pick<SourceFacts, "channels" | "unitId" | "perMinute" | "expiresAtMs">>;

export const DEFAULT_PER_MINUTE = 120;
const PREFIX = "shao-source-";
const SOURCE = /^[a-z0-9][a-z0-9-]{0,62}$/u;
const TOUCH_EVERY_MS = 60_000;

/**
 * Makes a token; only its hash is kept, so that it is shown once.
 * @throws BridgeError SOURCE_INVALID, UNIT_UNKNOWN
 */
export async function addSource(
  db: Db,
  { name, source, channels = ["order"], unitId, perMinute = DEFAULT_PER_MINUTE, expiresAtMs }: NewSource,
  by: string,
  nowMs: number,
): Promise<{ readonly source: SourceFacts; readonly token: string }> {
  const isNamed = name.trim() !== "" && name.length <= 64 && !/\p{Cc}/u.test(name);
  if (!isNamed) throw invalid("a name has 1 to 64 printable characters");
  if (!SOURCE.test(source)) throw invalid(`${source.slice(0, 64)} names no source`);
  if (channels.length === 0) throw invalid("a source reports by at least one channel");
  if (!(perMinute >= 1 && perMinute <= 6000)) throw invalid("a source may report 1 to 6000 times a minute");
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs) throw invalid("a token ends in the future");
  if (unitId !== undefined) await findUnit(db, unitId);
  const secret = randomBytes(32).toString("base64url");
  const row: Selectable<SourceTokensTable> = {
    ...{ id: randomUUID(), name, source, channels: JSON.stringify([...new Set(channels)]), unit_id: unitId ?? null },
    ...{ per_minute: Math.round(perMinute), sha256: hashed(secret), created_by: by, created_at_ms: nowMs },
    ...{ expires_at_ms: expiresAtMs ?? null, last_used_at_ms: null, revoked_at_ms: null, revoked_by: null },
  };
  await db.insertInto("source_tokens").values(row).execute();
  return { source: sourceOf(row), token: `${PREFIX}${secret}` };
}

/** In order of their making, those that were revoked too. */
export async function listSources(db: Db): Promise<readonly SourceFacts[]> {
  const rows = await db.selectFrom("source_tokens").selectAll().orderBy("created_at_ms").orderBy("id").execute();
  return rows.map(sourceOf);
}

/**
 * From now on it is refused, in every process of the bridge. Harmless to repeat.
 * @throws BridgeError SOURCE_UNKNOWN
 */
export async function revokeSource(db: Db, id: string, by: string, nowMs: number): Promise<SourceFacts> {
  await db
    .updateTable("source_tokens")
    .set({ revoked_at_ms: nowMs, revoked_by: by })
    .where("id", "=", id)
    .where("revoked_at_ms", "is", null)
    .execute();
  const row = await db.selectFrom("source_tokens").selectAll().where("id", "=", id).executeTakeFirst();
  if (row !== undefined) return sourceOf(row);
  throw new BridgeError("SOURCE_UNKNOWN", `there is no source ${id}`, {
    status: 404,
    hint: "`shao source ls` lists them, and GET /api/v1/sources.",
  });
}

/** @returns undefined for a token that is unknown, revoked or over */
export async function findSource(db: Db, token: string, nowMs: number): Promise<SourceFacts | undefined> {
  if (!token.startsWith(PREFIX)) return undefined;
  const sha256 = hashed(token.slice(PREFIX.length));
  const row = await db.selectFrom("source_tokens").selectAll().where("sha256", "=", sha256).executeTakeFirst();
  if (row === undefined || row.revoked_at_ms !== null) return undefined;
  if (row.expires_at_ms !== null && row.expires_at_ms <= nowMs) return undefined;
  if ((row.last_used_at_ms ?? 0) < nowMs - TOUCH_EVERY_MS) {
    await db.updateTable("source_tokens").set({ last_used_at_ms: nowMs }).where("id", "=", row.id).execute();
  }
  return sourceOf(row);
}

function sourceOf(row: Selectable<SourceTokensTable>): SourceFacts {
  const channels = JSON.parse(row.channels) as string[];
  return {
    id: row.id,
    name: row.name,
    source: row.source,
    channels: SOURCE_CHANNELS.filter((channel) => channels.includes(channel)),
    ...(row.unit_id === null ? {} : { unitId: row.unit_id }),
    perMinute: row.per_minute,
    createdBy: row.created_by,
    createdAtMs: row.created_at_ms,
    ...(row.expires_at_ms === null ? {} : { expiresAtMs: row.expires_at_ms }),
    ...(row.last_used_at_ms === null ? {} : { lastUsedAtMs: row.last_used_at_ms }),
    ...(row.revoked_at_ms === null ? {} : { revokedAtMs: row.revoked_at_ms }),
    ...(row.revoked_by === null ? {} : { revokedBy: row.revoked_by }),
  };
}

function hashed(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

function invalid(message: string): BridgeError {
  return new BridgeError("SOURCE_INVALID", message, {
    status: 422,
    hint: "A source is named as its reports name it, e.g. hotline-12345; see `shao source add --help`.",
  });
}
