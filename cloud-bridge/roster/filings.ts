import { randomUUID } from "node:crypto";
import type { Db, Trx } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import { lockDesk } from "../store/transactions.ts";
import { findCrew, unknownCrew } from "./crews.ts";
import { findDuty } from "./duties.ts";
import { assertPeople, storedCodes } from "./people.ts";

/** Duty filing (勤务报备): who goes out in which car with which radio, from/to. */
export interface FilingFacts {
  readonly id: string;
  readonly crewId: string;
  readonly dutyId?: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly vehicleNode?: string;
  readonly people: FiledPerson[];
  readonly note?: string;
  readonly filedBy: string;
  readonly filedAtMs: number;
  /** Who ended it before its time. */
  readonly endedBy?: string;
}

export interface FiledPerson {
  readonly personId: string;
  readonly name: string;
  readonly authority: string[];
  readonly radioIssi?: string;
}

export interface NewFiling {
  readonly crewId: string;
  /** Of this duty, and as long as it where no time is given. */
  readonly dutyId?: string;
  /** Now where left out. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** The crew's usual car where left out. */
  readonly vehicleNode?: string;
  /** `radioIssi`: their own where left out. */
  readonly people: readonly { readonly personId: string; readonly radioIssi?: string }[];
  readonly note?: string;
}

/**
 * Files people, car and radios. Nobody, no car and no radio is in two filings at once.
 * @throws BridgeError CREW_UNKNOWN, DUTY_UNKNOWN, PERSON_UNKNOWN, FILING_EMPTY, FILING_CONFLICT
 */
export async function addFiling(trx: Trx, filing: NewFiling, by: string, nowMs: number): Promise<FilingFacts> {
  // Two that file at once must not both find the car free.
  await lockDesk(trx);
  const crew = await findCrew(trx, filing.crewId).catch(() => {
    throw unknownCrew(filing.crewId, 422);
  });
  const duty = filing.dutyId === undefined ? undefined : await findDuty(trx, filing.dutyId);
  const fromMs = filing.fromMs ?? duty?.fromMs ?? nowMs;
  const toMs = filing.toMs ?? duty?.toMs ?? Number.NEGATIVE_INFINITY;
  if (toMs <= fromMs || (duty !== undefined && duty.crewId !== crew.id)) {
    const cause = toMs <= fromMs ? "a filing must end after it begins" : `duty ${filing.dutyId} is not of ${crew.id}`;
    throw new BridgeError("FILING_EMPTY", cause, {
      status: 422,
      hint: "Give `toMs` later than `fromMs` (now where left out), or the id of a duty of this crew.",
    });
  }
  const known = await assertPeople(
    trx,
    filing.people.map(({ personId }) => personId),
  );
  const people = filing.people.map(({ personId, radioIssi }, index) => ({
    personId,
    radioIssi: radioIssi ?? known[index]?.radioIssi ?? null,
  }));
  const vehicle = filing.vehicleNode ?? crew.vehicleNode ?? null;
  assertOnce(people);
  await assertFree(trx, { crewId: crew.id, fromMs, toMs, vehicle, people });
  const id = randomUUID();
  const row = { crew_id: crew.id, duty_id: filing.dutyId ?? null, from_ms: fromMs, to_ms: toMs, vehicle_node: vehicle };
  await trx
    .insertInto("filings")
    .values({ id, ...row, note: filing.note ?? null, filed_by: by, filed_at_ms: nowMs, ended_by: null })
    .execute();
  await trx
    .insertInto("filing_people")
    .values(people.map(({ personId, radioIssi }) => ({ filing_id: id, person_id: personId, radio_issi: radioIssi })))
    .execute();
  return findFiling(trx, id);
}

/**
 * Ends a filing now; one that has not begun covers nothing.
 * @throws BridgeError FILING_UNKNOWN, FILING_OVER
 */
export async function endFiling(trx: Trx, id: string, by: string, nowMs: number): Promise<FilingFacts> {
  const filing = await findFiling(trx, id);
  if (filing.toMs <= nowMs) {
    throw new BridgeError("FILING_OVER", "this filing is over already", { status: 409, hint: "Load it again." });
  }
  const toMs = Math.max(nowMs, filing.fromMs);
  await trx.updateTable("filings").set({ to_ms: toMs, ended_by: by }).where("id", "=", id).execute();
  return findFiling(trx, id);
}

/** @throws BridgeError FILING_UNKNOWN */
export async function findFiling(db: Db | Trx, id: string): Promise<FilingFacts> {
  const [filing] = await listFilings(db, { id });
  if (filing !== undefined) return filing;
  throw new BridgeError("FILING_UNKNOWN", `there is no filing ${id}`, {
    status: 404,
    hint: "GET /api/v1/filings lists them.",
  });
}

export interface FilingFilter {
  readonly id?: string;
  readonly crewId?: string;
  readonly vehicleNode?: string;
  readonly radioIssi?: string;
  readonly personId?: string;
  /** Filings that hold at some time in between. */
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** In order of their beginning. */
export async function listFilings(db: Db | Trx, filter: FilingFilter): Promise<readonly FilingFacts[]> {
  let rows = db.selectFrom("filings").selectAll().orderBy("from_ms").orderBy("id");
  if (filter.id !== undefined) rows = rows.where("id", "=", filter.id);
  if (filter.crewId !== undefined) rows = rows.where("crew_id", "=", filter.crewId);
  if (filter.vehicleNode !== undefined) rows = rows.where("vehicle_node", "=", filter.vehicleNode);
  if (filter.fromMs !== undefined) rows = rows.where("to_ms", ">", filter.fromMs);
  if (filter.toMs !== undefined) rows = rows.where("from_ms", "<", filter.toMs);
  const { radioIssi, personId } = filter;
  if (radioIssi !== undefined || personId !== undefined) {
    let with_ = db.selectFrom("filing_people").select("filing_id");
    if (radioIssi !== undefined) with_ = with_.where("radio_issi", "=", radioIssi);
    if (personId !== undefined) with_ = with_.where("person_id", "=", personId);
    rows = rows.where("id", "in", with_);
  }
  const found = await rows.execute();
  const people = await peopleOf(
    db,
    found.map(({ id }) => id),
  );
  return found.map((row) => ({
    id: row.id,
    crewId: row.crew_id,
    ...(row.duty_id === null ? {} : { dutyId: row.duty_id }),
    fromMs: row.from_ms,
    toMs: row.to_ms,
    ...(row.vehicle_node === null ? {} : { vehicleNode: row.vehicle_node }),
    people: people.get(row.id) ?? [],
    ...(row.note === null ? {} : { note: row.note }),
    filedBy: row.filed_by,
    filedAtMs: row.filed_at_ms,
    ...(row.ended_by === null ? {} : { endedBy: row.ended_by }),
  }));
}

/** What holds now, by crew. */
export async function filingsNow(db: Db | Trx, nowMs: number): Promise<ReadonlyMap<string, FilingFacts>> {
  const filings = await listFilings(db, { fromMs: nowMs, toMs: nowMs + 1 });
  return new Map(filings.map((filing) => [filing.crewId, filing]));
}

async function peopleOf(db: Db | Trx, filingIds: readonly string[]): Promise<ReadonlyMap<string, FiledPerson[]>> {
  const people = new Map<string, FiledPerson[]>();
  // SQLite takes 32,766 values at most.
  for (let from = 0; from < filingIds.length; from += 10_000) {
    const rows = await db
      .selectFrom("filing_people")
      .innerJoin("people", "people.id", "filing_people.person_id")
      .select(["filing_id", "person_id", "filing_people.radio_issi", "people.name", "people.authority"])
      .where("filing_id", "in", filingIds.slice(from, from + 10_000))
      .orderBy("filing_id")
      .orderBy("person_id")
      .execute();
    for (const row of rows) {
      const person: FiledPerson = {
        personId: row.person_id,
        name: row.name,
        authority: storedCodes(row.authority),
        ...(row.radio_issi === null ? {} : { radioIssi: row.radio_issi }),
      };
      people.set(row.filing_id, [...(people.get(row.filing_id) ?? []), person]);
    }
  }
  return people;
}

interface Wanted {
  readonly crewId: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly vehicle: string | null;
  readonly people: readonly { readonly personId: string; readonly radioIssi: string | null }[];
}

function assertOnce(people: Wanted["people"]): void {
  const named = people.flatMap(({ personId, radioIssi }) => [
    personId,
    ...(radioIssi === null ? [] : [`${radioIssi} `]),
  ]);
  const twice = named.find((name, index) => named.indexOf(name) !== index);
  if (twice !== undefined) throw conflict(`${twice.trim()} stands in it twice`);
}

async function assertFree(trx: Trx, wanted: Wanted): Promise<void> {
  const { fromMs, toMs } = wanted;
  for (const filing of await listFilings(trx, { fromMs, toMs })) {
    const people = wanted.people.filter(({ personId }) => filing.people.some((one) => one.personId === personId));
    const radios = wanted.people.filter(({ radioIssi }) => filing.people.some((one) => one.radioIssi === radioIssi));
    const taken = [
      ...(filing.crewId === wanted.crewId ? [`crew ${filing.crewId}`] : []),
      ...(wanted.vehicle !== null && filing.vehicleNode === wanted.vehicle ? [`car ${wanted.vehicle}`] : []),
      ...people.map(({ personId }) => personId),
      ...radios.flatMap(({ radioIssi }) => (radioIssi === null ? [] : [`radio ${radioIssi}`])),
    ];
    if (taken.length > 0) throw conflict(`${taken.join(", ")} filed with crew ${filing.crewId} at that time`);
  }
}

function conflict(message: string): BridgeError {
  return new BridgeError("FILING_CONFLICT", message, {
    status: 409,
    hint: "End the other filing first (POST /api/v1/filings/{id}/end), or file somebody or something else.",
  });
}
