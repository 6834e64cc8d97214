import { createHash } from "node:crypto";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { Catalogue } from "./catalogue.ts";
import { DEFAULT_CATALOGUE } from "./default-catalogue.ts";

/** A version of a catalogue, without what is in it. */
export interface CatalogueFacts {
  readonly name: string;
  readonly version: string;
  readonly inForceFromMs: number;
  readonly loadedAtMs: number;
  readonly loadedBy: string;
  /** Of its canonical JSON. */
  readonly sha256: string;
  readonly isInForce: boolean;
}

/**
 * Keeps a version for ever. The same version with the same content again changes nothing.
 * @throws BridgeError CATALOGUE_CHANGED when that version holds something else already
 */
export async function keepCatalogue(db: Db | Trx, catalogue: Catalogue, by: string, nowMs: number): Promise<void> {
  const { name, version, inForceFrom } = catalogue;
  const document = canonicalJson(catalogue);
  const sha256 = createHash("sha256").update(document).digest("hex");
  const row = { name, version, in_force_from_ms: Date.parse(inForceFrom), document, sha256 };
  await db
    .insertInto("catalogues")
    .values({ ...row, loaded_at_ms: nowMs, loaded_by: by })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const kept = await db
    .selectFrom("catalogues")
    .select("sha256")
    .where("name", "=", name)
    .where("version", "=", version)
    .executeTakeFirst();
  if (kept?.sha256 === sha256) return;
  throw new BridgeError("CATALOGUE_CHANGED", `${name} ${version} was loaded with other content before`, {
    status: 409,
    hint: "Cases refer to it as it was: give what has changed a version of its own.",
  });
}

/** The version that cases opened now are of: the newest that is in force, whoever's name it bears. */
export async function catalogueInForce(db: Db | Trx, nowMs: number): Promise<Catalogue> {
  const row = await db
    .selectFrom("catalogues")
    .select("document")
    .where("in_force_from_ms", "<=", nowMs)
    .orderBy("in_force_from_ms", "desc")
    .orderBy("loaded_at_ms", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? DEFAULT_CATALOGUE : stored(row.document);
}

/** @throws BridgeError CATALOGUE_UNKNOWN */
export async function catalogueNamed(db: Db | Trx, name: string, version: string): Promise<Catalogue> {
  const row = await db
    .selectFrom("catalogues")
    .select("document")
    .where("name", "=", name)
    .where("version", "=", version)
    .executeTakeFirst();
  if (row !== undefined) return stored(row.document);
  if (name === DEFAULT_CATALOGUE.name && version === DEFAULT_CATALOGUE.version) return DEFAULT_CATALOGUE;
  throw new BridgeError("CATALOGUE_UNKNOWN", `there is no catalogue ${name} ${version}`, {
    status: 404,
    hint: "GET /api/v1/catalogues lists them.",
  });
}

/** Newest first. */
export async function listCatalogues(db: Db | Trx, nowMs: number): Promise<readonly CatalogueFacts[]> {
  const rows = await db
    .selectFrom("catalogues")
    .select(["name", "version", "in_force_from_ms", "loaded_at_ms", "loaded_by", "sha256"])
    .orderBy("in_force_from_ms", "desc")
    .orderBy("loaded_at_ms", "desc")
    .execute();
  const current = rows.find((row) => row.in_force_from_ms <= nowMs);
  return rows.map((row) => ({
    name: row.name,
    version: row.version,
    inForceFromMs: row.in_force_from_ms,
    loadedAtMs: row.loaded_at_ms,
    loadedBy: row.loaded_by,
    sha256: row.sha256,
    isInForce: row === current,
  }));
}

/** As keepCatalogue wrote it. */
function stored(document: string): Catalogue {
  return JSON.parse(document) as Catalogue;
}
