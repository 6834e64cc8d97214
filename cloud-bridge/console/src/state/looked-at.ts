import { computed, effect, signal } from "@preact/signals";
import { isSoundOn, soundNewCase } from "../sound.ts";
import { cases } from "./desk.ts";
import { account } from "./session.ts";

const STORED = "shao.looked-at";
const MOST_REMEMBERED = 2000;
const REPEAT_MS = 8000;
const EMERGENCY_REPEAT_MS = 3000;
/** In a storm each new case would start the call anew, and none would be heard to its end. */
const LEAST_BETWEEN_MS = 1500;

const read = (): ReadonlySet<string> => {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    return new Set(Array.isArray(value) ? value.filter((id) => typeof id === "string") : []);
  } catch {
    return new Set();
  }
};
const lookedAt = signal(read());

addEventListener("storage", ({ key }) => {
  if (key === STORED) lookedAt.value = read();
});

export function lookAt(id: string): void {
  if (lookedAt.value.has(id)) return;
  const next = new Set(lookedAt.value).add(id);
  lookedAt.value = next;
  localStorage.setItem(STORED, JSON.stringify([...next].slice(-MOST_REMEMBERED)));
}

/** The whole storm is known: each is listed still, none calls any more; an officer in need does until looked at. */
export function lookAtAll(): void {
  const next = new Set(lookedAt.value);
  for (const { id, family } of unseenCases.value) if (family !== "emergency") next.add(id);
  lookedAt.value = next;
  localStorage.setItem(STORED, JSON.stringify([...next].slice(-MOST_REMEMBERED)));
}

/** Cases that wait for a first look. A late one is listed but calls nobody. */
export const unseenCases = computed(() =>
  [...cases.value.values()].filter((view) => view.state === "open" && !view.late && !lookedAt.value.has(view.id)),
);

const unseenIds = computed(() => new Set(unseenCases.value.map(({ id }) => id)));
export const isUnseen = (id: string): boolean => unseenIds.value.has(id);

/** Of each of the two calls, when it was last heard. */
const soundedAtMs = { plain: 0, emergency: 0 };

function call(isEmergency: boolean): void {
  const which = isEmergency ? "emergency" : "plain";
  if (Date.now() - soundedAtMs[which] < LEAST_BETWEEN_MS) return;
  soundedAtMs[which] = Date.now();
  soundNewCase(isEmergency);
}

/** Sounds until somebody looks; with several tabs only one sounds: the one that holds the lock. */
export function watchUnseen(): void {
  effect(() => {
    const count = account.value && account.value.role !== "crew" ? unseenCases.value.length : 0;
    const isEmergency = unseenCases.value.some(({ family }) => family === "emergency");
    if (count === 0 || !isSoundOn.value) return;
    let isOver = false;
    let timer: ReturnType<typeof setInterval> | undefined;
    let release = (): void => {};
    void navigator.locks?.request(
      "shao-sound",
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
          if (isOver) return resolve();
          const sound = (): void => call(isEmergency);
          sound();
          timer = setInterval(sound, isEmergency ? EMERGENCY_REPEAT_MS : REPEAT_MS);
        }),
    );
    return () => {
      isOver = true;
      clearInterval(timer);
      release();
    };
  });
}
