import { signal } from "@preact/signals";
import type { DutyView, Person, Shift } from "../../../api/schema/roster.ts";
import { allOf } from "./desk.ts";

export const people = signal<readonly Person[]>([]);
export const shifts = signal<readonly Shift[]>([]);
export const duties = signal<readonly DutyView[]>([]);

const DAY_MS = 86_400_000;

const dutiesAbout = (atMs: number): Promise<readonly DutyView[]> =>
  allOf<DutyView>(`/rosters?limit=500&fromMs=${Math.floor(atMs - 2 * DAY_MS)}&toMs=${Math.floor(atMs + 8 * DAY_MS)}`);

/**
 * People are not for viewers: a page goes on without them.
 * @param aboutMs the day that is looked at; the duties of today are known besides, whatever day that is
 */
export async function loadRoster(aboutMs: number): Promise<void> {
  const [peopleList, shiftList, ...dutyLists] = await Promise.all([
    allOf<Person>("/people?limit=500").catch(() => []),
    allOf<Shift>("/shifts?limit=500"),
    dutiesAbout(Date.now()),
    dutiesAbout(aboutMs),
  ]);
  people.value = peopleList;
  shifts.value = shiftList;
  duties.value = [...new Map(dutyLists.flat().map((duty) => [duty.id, duty])).values()];
}

/** The duty of a crew that holds at a time. */
export const dutyAt = (crewId: string, atMs: number): DutyView | undefined =>
  duties.value.find((duty) => duty.crewId === crewId && duty.fromMs <= atMs && atMs < duty.toMs);
