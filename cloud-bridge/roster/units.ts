import type { Selectable } from "kysely";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { UnitsTable } from "../store/roster-tables.ts";
import { changing, lockDesk } from "../store/transactions.ts";
import { type Area, storedAreas } from "./areas.ts";

export const UNIT_LEVELS = ["city", "district", "street", "community", "department"] as const;
export type UnitLevel = (typeof UNIT_LEVELS)[number];

/** An organisation: city, district, street, community, or a department of one of them. */
export interface UnitFacts {
  readonly id: string;
  readonly name: string;
  readonly level: UnitLevel;
  readonly parentId?: string;
  /** Where it is responsible. */
  readonly areas?: Area[];
  /** Its working time; that of the nearest unit above which names one where left out. */
  readonly calendarId?: string;
  readonly phone?: string;
  /** Reorganised away: keeps its cases, gets no new ones. */
  readonly retiredAtMs?: number;
}

/** Looks at what is there (undefined: nothing) before it is changed, in the same transaction; throws to refuse. */
export type Precondition<T> = (current: T | undefined) => void;

/** All units as one tree, as they stood when they were read. */
export class UnitTree {
  readonly #units: ReadonlyMap<string, UnitFacts>;
  readonly #children = new Map<string, string[]>();

  constructor(units: readonly UnitFacts[]) {
    this.#units = new Map(units.map((unit) => [unit.id, unit]));
    for (const { id, parentId } of units) {
      if (parentId === undefined) continue;
      const siblings = this.#children.get(parentId) ?? [];
      siblings.push(id);
      this.#children.set(parentId, siblings);
    }
  }

  get all(): readonly UnitFacts[] {
    return [...this.#units.values()];
  }

  get(id: string): UnitFacts | undefined {
    return this.#units.get(id);
  }

  children(id: string): readonly string[] {
    return this.#children.get(id) ?? [];
  }

  /** The unit and all below it; nothing where there is no such unit. */
  subtree(id: string): ReadonlySet<string> {
    const found = new Set<string>();
    const open = this.#units.has(id) ? [id] : [];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      open.push(...this.children(next));
    }
    return found;
  }

  /** From the top down to the unit itself. */
  path(id: string): readonly UnitFacts[] {
    const path: UnitFacts[] = [];
    for (let unit = this.get(id); unit !== undefined && !path.includes(unit); unit = this.get(unit.parentId ?? "")) {
      path.unshift(unit);
    }
    return path;
  }
}

export async function readUnitTree(db: Db | Trx): Promise<UnitTree> {
  return new UnitTree(await listUnits(db));
}

/** In order of id. */
export async function listUnits(db: Db | Trx): Promise<readonly UnitFacts[]> {
  const rows = await db.selectFrom("units").selectAll().orderBy("id").execute();
  return rows.map(unitOf);
}

/** @throws BridgeError UNIT_UNKNOWN */
export async function findUnit(db: Db | Trx, id: string): Promise<UnitFacts> {
  const row = await db.selectFrom("units").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw unknownUnit(id);
  return unitOf(row);
}

/**
 * Makes a unit or changes it; what is left out is taken away.
 * @throws BridgeError UNIT_UNKNOWN, UNIT_TREE
 */
export async function putUnit(
  db: Db,
  unit: UnitFacts,
  precondition: Precondition<UnitFacts> = () => {},
): Promise<void> {
  await changing(db, async (trx) => {
    await lockDesk(trx);
    const tree = await readUnitTree(trx);
    precondition(tree.get(unit.id));
    assertPlace(unit, tree);
    const row = {
      name: unit.name,
      level: unit.level,
      parent_id: unit.parentId ?? null,
      areas: JSON.stringify(unit.areas ?? []),
      calendar_id: unit.calendarId ?? null,
      phone: unit.phone ?? null,
      retired_at_ms: unit.retiredAtMs ?? null,
    };
    await trx
      .insertInto("units")
      .values({ id: unit.id, ...row })
      .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
      .execute();
  });
}

/** @throws BridgeError UNIT_UNKNOWN, UNIT_IN_USE */
export async function removeUnit(db: Db, id: string, precondition: Precondition<UnitFacts> = () => {}): Promise<void> {
  await changing(db, async (trx) => {
    await lockDesk(trx);
    precondition(await findUnit(trx, id));
    const users = await Promise.all([
      trx.selectFrom("units").select("id").where("parent_id", "=", id).limit(1).execute(),
      trx.selectFrom("crews").select("id").where("unit_id", "=", id).limit(1).execute(),
      trx.selectFrom("people").select("id").where("unit_id", "=", id).limit(1).execute(),
      trx.selectFrom("sites").select("id").where("unit_id", "=", id).limit(1).execute(),
      trx.selectFrom("shifts").select("id").where("unit_id", "=", id).limit(1).execute(),
      trx.selectFrom("accounts").select("id").where("unit_id", "=", id).limit(1).execute(),
      trx.selectFrom("case_units").select("case_id as id").where("unit_id", "=", id).limit(1).execute(),
    ]);
    const kinds = ["units below it", "crews", "people", "sites", "shifts", "accounts", "cases"];
    const held = kinds.filter((_, index) => (users[index]?.length ?? 0) > 0);
    if (held.length > 0) {
      throw new BridgeError("UNIT_IN_USE", `unit ${id} still has ${held.join(", ")}`, {
        status: 409,
        hint: "Move them to another unit first; one that has had cases is retired (`retiredAtMs`), not removed.",
      });
    }
    await trx.deleteFrom("units").where("id", "=", id).execute();
  });
}

function assertPlace(unit: UnitFacts, tree: UnitTree): void {
  const odd = (message: string): BridgeError =>
    new BridgeError("UNIT_TREE", message, {
      status: 422,
      hint: "A city holds districts, a district streets, a street communities; departments stand below any of them.",
    });
  const below = tree.children(unit.id).map((id) => tree.get(id));
  const odder = below.find((child) => child !== undefined && !mayHold(unit.level, child.level));
  if (odder !== undefined) throw odd(`a ${unit.level} cannot hold ${odder.id}, a ${odder.level}`);
  if (unit.parentId === undefined) return;
  const parent = tree.get(unit.parentId);
  if (parent === undefined) throw unknownUnit(unit.parentId, 422);
  if (tree.subtree(unit.id).has(parent.id) || parent.id === unit.id) {
    throw odd(`${unit.id} cannot stand below ${parent.id}, which stands below it`);
  }
  if (!mayHold(parent.level, unit.level)) throw odd(`a ${unit.level} cannot stand below a ${parent.level}`);
}

function mayHold(parent: UnitLevel, child: UnitLevel): boolean {
  if (child === "department") return true;
  return UNIT_LEVELS.indexOf(parent) < UNIT_LEVELS.indexOf(child);
}

function unitOf(row: Selectable<UnitsTable>): UnitFacts {
  const areas = storedAreas(row.areas);
  return {
    id: row.id,
    name: row.name,
    level: UNIT_LEVELS.find((level) => level === row.level) ?? "department",
    ...(row.parent_id === null ? {} : { parentId: row.parent_id }),
    ...(areas.length === 0 ? {} : { areas }),
    ...(row.calendar_id === null ? {} : { calendarId: row.calendar_id }),
    ...(row.phone === null ? {} : { phone: row.phone }),
    ...(row.retired_at_ms === null ? {} : { retiredAtMs: row.retired_at_ms }),
  };
}

/** @param status 422 where a request names it, 404 where it is what was asked for */
export function unknownUnit(id: string, status = 404): BridgeError {
  return new BridgeError("UNIT_UNKNOWN", `there is no unit ${id}`, {
    status,
    hint: "GET /api/v1/units lists them; POST /api/v1/units makes one.",
  });
}
