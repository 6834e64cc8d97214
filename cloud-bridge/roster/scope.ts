import type { Db } from "../store/database.ts";
import type { AccountFacts } from "./accounts.ts";
import { isInAreas } from "./areas.ts";
import { readUnitTree } from "./units.ts";

/**
 * What an account gets at: its unit and all below it, their sites and crews, sites of nobody on their ground, and the nodes
 * at those sites and in those cars. An account without a unit gets at everything.
 */
export interface Scope {
  readonly isWhole: boolean;
  readonly unitIds: ReadonlySet<string>;
  readonly siteIds: ReadonlySet<string>;
  readonly crewIds: ReadonlySet<string>;
  readonly nodeIds: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();
export const WHOLE: Scope = { isWhole: true, unitIds: NONE, siteIds: NONE, crewIds: NONE, nodeIds: NONE };

export type ScopeKind = "unitIds" | "siteIds" | "crewIds" | "nodeIds";

/** Whether a scope holds a thing; what belongs to nobody only a whole one does. */
export function within(scope: Scope, kind: ScopeKind, id: string | null | undefined): boolean {
  return scope.isWhole || (id !== null && id !== undefined && scope[kind].has(id));
}

/** Work at a node or a site of the scope; where it names both, at both. */
export function holdsWork(
  scope: Scope,
  at: { readonly node: string | null; readonly site_id: string | null },
): boolean {
  if (at.node === null && at.site_id === null) return scope.isWhole;
  const isNodeHeld = at.node === null || within(scope, "nodeIds", at.node);
  return isNodeHeld && (at.site_id === null || within(scope, "siteIds", at.site_id));
}

/** So long an answer may be old that another process made old. */
const KEEP_MS = 1000;

/** Scopes of accounts; many requests of one unit share one reading of the registers. */
export class Scopes {
  readonly #db: Db;
  readonly #upMs: () => number;
  readonly #known = new Map<string, { readonly scope: Promise<Scope>; readonly atUpMs: number }>();

  constructor({ db, upMs }: { db: Db; upMs: () => number }) {
    this.#db = db;
    this.#upMs = upMs;
  }

  /** An account of role crew has its crew's own rules instead of a scope. */
  of({ role, unitId }: Pick<AccountFacts, "role" | "unitId">): Promise<Scope> {
    if (unitId === undefined || role === "crew") return Promise.resolve(WHOLE);
    const known = this.#known.get(unitId);
    if (known !== undefined && this.#upMs() - known.atUpMs < KEEP_MS) return known.scope;
    const scope = readScope(this.#db, unitId);
    this.#known.set(unitId, { scope, atUpMs: this.#upMs() });
    // A store that could not answer is asked again.
    scope.catch(() => this.#known.delete(unitId));
    return scope;
  }

  /** Somebody changed a register. */
  forget(): void {
    this.#known.clear();
  }
}

export async function readScope(db: Db, unitId: string): Promise<Scope> {
  const tree = await readUnitTree(db);
  const unitIds = tree.subtree(unitId);
  const ground = [...unitIds].flatMap((id) => tree.get(id)?.areas ?? []);
  const sites = await db.selectFrom("sites").select(["id", "unit_id", "latitude_deg", "longitude_deg"]).execute();
  const siteIds = new Set(
    sites
      .filter(({ unit_id, latitude_deg: latitudeDeg, longitude_deg: longitudeDeg }) => {
        if (unit_id !== null) return unitIds.has(unit_id);
        if (latitudeDeg === null || longitudeDeg === null) return false;
        return isInAreas({ latitudeDeg, longitudeDeg }, ground);
      })
      .map(({ id }) => id),
  );
  const crews = await db.selectFrom("crews").select(["id", "unit_id", "vehicle_node"]).execute();
  const own = crews.filter((crew) => unitIds.has(crew.unit_id));
  const nodes = await db.selectFrom("nodes").select(["id", "site_id"]).where("site_id", "is not", null).execute();
  const bound = await db.selectFrom("bindings").select(["node", "site_id"]).where("to_ms", "is", null).execute();
  const nodeIds = new Set([
    ...nodes.flatMap(({ id, site_id }) => (siteIds.has(site_id ?? "") ? [id] : [])),
    ...bound.flatMap(({ node, site_id }) => (siteIds.has(site_id) ? [node] : [])),
    ...own.flatMap(({ vehicle_node }) => (vehicle_node === null ? [] : [vehicle_node])),
  ]);
  return { isWhole: false, unitIds, siteIds, crewIds: new Set(own.map(({ id }) => id)), nodeIds };
}
