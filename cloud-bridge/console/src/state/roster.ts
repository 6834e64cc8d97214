import { signal } from "@preact/signals";
import type { DutyView, Person, Shift } from "../../../api/schema/roster.ts";
import { allOf } from "./desk.ts";

export const people = signal<readonly Person[]>([]);
export const shifts = signal<readonly Shift[]>([]);
export const duties = signal<readonly DutyView[]>([]);

const DAY_MS = 86_400_000;

/** People are not for viewers: a page goes on without them. */
export async function loadRoster(aboutMs = Date.now()): Promise<void> {
  const span = `fromMs=${Math.floor(aboutMs - 2 * DAY_MS)}&toMs=${Math.floor(aboutMs + 8 * DAY_MS)}`;
  const [peopleList, shiftList, dutyList] = await Promise.all([
    allOf<Person>("/people?limit=500").catch(() => []),
    allOf<Shift>("/shifts?limit=500"),
    allOf<DutyView>(`/rosters?limit=500&${span}`),
  ]);
  people.value = peopleList;
  shifts.value = shiftList;
  duties.value = dutyList;
}

/** The duty of a crew that holds at a time. */
export const dutyAt = (crewId: string, atMs: number): DutyView | undefined =>
  duties.value.find((duty) => duty.crewId === crewId && duty.fromMs <= atMs && atMs < duty.toMs);
