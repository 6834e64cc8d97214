import { computed, signal } from "@preact/signals";
import type { Problem } from "../../../api/schema/common.ts";
import type { Assignment, CaseDetail, CaseView, CrewAct } from "../../../api/schema/desk.ts";
import { call, newIdempotencyKey, ProblemError } from "../api/client.ts";
import { onEvent, streamClient } from "../api/events.ts";
import { nowMs } from "../clock.ts";
import { ActQueue, type QueuedAct, type SendResult } from "../crew/act-queue.ts";
import { lastPosition } from "../crew/position.ts";
import { stateAfter } from "../crew/steps.ts";

/** A crew's leg with the case that it belongs to. */
export interface Leg {
  readonly assignment: Assignment;
  readonly case: CaseView;
}

const STORED_ACTS = "shao.crew.acts";
const STORED_LEGS = "shao.crew.legs";
const RETRY_MS = 5000;

export const legs = signal<readonly Leg[]>([]);
export const isDutyLoaded = signal(false);
export const waitingActs = signal<readonly QueuedAct[]>([]);
/** The last act that the bridge refused for good: told until the next one. */
export const refusal = signal<Problem | undefined>(undefined);

/** Whose phone this is now, and what waits of this crew: what waits of another stays until that one signs in again. */
let duty: { readonly crewId: string; readonly queue: ActQueue } | undefined;

function takeUp(crewId: string): ActQueue {
  if (duty?.crewId === crewId) return duty.queue;
  const queue = new ActQueue({
    store: {
      read: () => localStorage.getItem(`${STORED_ACTS}.${crewId}`),
      write: (text) => localStorage.setItem(`${STORED_ACTS}.${crewId}`, text),
    },
    send: sendAct,
    onChange: (waiting) => {
      if (duty?.crewId === crewId) waitingActs.value = waiting;
    },
  });
  duty = { crewId, queue };
  waitingActs.value = queue.waiting;
  legs.value = readLegs(crewId);
  refusal.value = undefined;
  return queue;
}

/** Over, or not yet sent: the desk may still choose another crew. */
const NOT_OURS = new Set(["proposed", "declined", "done", "withdrawn"]);

/** The leg that counts now: the newest that is not over, as it will be once what waits is sent. */
export const currentLeg = computed(() => {
  const shown = legs.value.map(({ assignment, case: view }) => ({
    assignment: { ...assignment, state: stateAfter(assignment.state, actsFor(assignment.id)) },
    case: view,
  }));
  return shown
    .filter(({ assignment }) => !NOT_OURS.has(assignment.state))
    .sort((a, b) => b.assignment.assignedAtMs - a.assignment.assignedAtMs)[0];
});

const actsFor = (assignmentId: string) =>
  waitingActs.value.filter((queued) => queued.assignmentId === assignmentId).map(({ act }) => act.act);

function readLegs(crewId: string): readonly Leg[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(`${STORED_LEGS}.${crewId}`) ?? "[]");
    return Array.isArray(value) ? (value as Leg[]) : [];
  } catch {
    return [];
  }
}

function setLegs(next: readonly Leg[]): void {
  legs.value = next;
  if (duty !== undefined) localStorage.setItem(`${STORED_LEGS}.${duty.crewId}`, JSON.stringify(next));
}

export async function loadDuty(crewId: string): Promise<void> {
  takeUp(crewId);
  const { items } = await call<{ items: CaseView[] }>("GET", "/cases?limit=100");
  setLegs(
    items.flatMap((view) => (view.assignment?.crewId === crewId ? [{ assignment: view.assignment, case: view }] : [])),
  );
  isDutyLoaded.value = true;
}

/** What a crew wants to know beyond its leg, as far as it may see it. */
export const loadCase = (id: string): Promise<CaseDetail> =>
  call<CaseDetail>("GET", `/cases/${encodeURIComponent(id)}`);

export function press(assignmentId: string, act: CrewAct["act"], cause?: string): void {
  if (duty === undefined) return;
  refusal.value = undefined;
  duty.queue.add({
    key: newIdempotencyKey(),
    assignmentId,
    act: {
      act,
      deviceTimeMs: Date.now(),
      ...(lastPosition.value === undefined ? {} : { position: lastPosition.value }),
      ...(cause === undefined ? {} : { cause }),
    },
  });
  void duty.queue.flush();
}

async function sendAct({ key, assignmentId, act }: QueuedAct): Promise<SendResult> {
  try {
    const body = await call<unknown>("POST", `/assignments/${encodeURIComponent(assignmentId)}/acts`, {
      body: act,
      idempotencyKey: key,
    });
    const answered = assignmentIn(body);
    if (answered) putAssignment(answered);
    return "taken";
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    // 401: the session ended in the dead spot; the act waits for the next sign-in.
    if (error.isPassing || error.problem.status === 401) return "later";
    refusal.value = error.problem;
    return "refused";
  }
}

function assignmentIn(body: unknown): Assignment | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  if ("assignment" in body) return body.assignment as Assignment;
  return "crewId" in body && "state" in body ? (body as Assignment) : undefined;
}

function putAssignment(assignment: Assignment): void {
  setLegs(legs.value.map((leg) => (leg.assignment.id === assignment.id ? { ...leg, assignment } : leg)));
}

/** Follows this crew's legs and sends what waits; returns what ends it. */
export function followDuty(crewId: string): () => void {
  const queue = takeUp(crewId);
  const ends = [
    onEvent("assignment", ({ assignment, case: view }) => {
      if (assignment.crewId !== crewId) return;
      const others = legs.value.filter((leg) => leg.assignment.id !== assignment.id);
      setLegs([...others, { assignment, case: view }]);
    }),
    onEvent("case", ({ case: view }) => {
      setLegs(
        legs.value.map((leg) =>
          leg.case.id === view.id
            ? { case: view, assignment: view.assignment?.id === leg.assignment.id ? view.assignment : leg.assignment }
            : leg,
        ),
      );
    }),
    streamClient.subscribe((client) => {
      if (client === undefined) return;
      void queue.flush().then(() => loadDuty(crewId).catch(() => {}));
    }),
  ];
  const flush = (): void => void queue.flush();
  const timer = setInterval(flush, RETRY_MS);
  addEventListener("online", flush);
  return () => {
    for (const end of ends) end();
    clearInterval(timer);
    removeEventListener("online", flush);
  };
}

export const ageOf = (atMs: number): number => nowMs.value - atMs;
