import type { Reading } from "../../drivers/driver.ts";
import { DRIVERS } from "../../drivers/registry.ts";
import type { DeviceHealth } from "../../gateway/contracts/readings.ts";
import type { Subject } from "../../protocol/ids.ts";
import { subjectKey } from "../../protocol/subject-key.ts";

/** Of a listener that five thousand connect to, so many are named. */
const NAMED_SUBJECTS = 20;

/** What one device let hear of itself. */
export class Heard {
  readonly subjects = new Set<string>();
  readonly switches = new Map<string, boolean>();
  first: { readonly reading: Reading; readonly tookMs: number } | undefined;

  /** A reading of somebody behind the device says more than one of its own. */
  take(subject: Subject | undefined, reading: Reading, upMs: number): void {
    const isFirstSubject = subject !== undefined && this.subjects.size === 0;
    if (this.first === undefined || isFirstSubject) this.first = { reading, tookMs: upMs };
    if (subject !== undefined) this.subjects.add(subjectKey(subject));
    if (reading.kind === "switch") this.switches.set(reading.name, reading.isOn);
  }

  /** Contacts come one after the other, and then the board is online; of a radio, handsets are waited for. */
  isWhole(kind: string, health: DeviceHealth | undefined): boolean {
    if (this.first === undefined) return false;
    if (this.first.reading.kind === "switch") return health?.body.state === "online";
    return this.subjects.size > 0 || !isEventDriven(kind);
  }
}

export type Answer = { readonly ok: boolean } & Readonly<Record<string, unknown>>;

/** One device's line: what it said, whom it heard, or what is wrong and what to do. */
export function answerOf(kind: string, config: unknown, heard: Heard, health: DeviceHealth | undefined): Answer {
  const listen = typeof config === "object" && config !== null && "listen" in config ? config.listen : undefined;
  const isListener = typeof listen === "string";
  const isRadio = heard.subjects.size > 0;
  const facts = {
    ...(isListener ? { listens: listen } : {}),
    ...(isListener || isRadio ? { heard: [...heard.subjects].slice(0, NAMED_SUBJECTS) } : {}),
    ...(heard.subjects.size > NAMED_SUBJECTS ? { heardCount: heard.subjects.size } : {}),
  };
  const { first, switches } = heard;
  if (first !== undefined) {
    return { ok: true, ...facts, ...(switches.size > 0 ? { switches: Object.fromEntries(switches) } : {}), ...first };
  }
  if (health === undefined) return { ok: false, ...facts };
  const { state, code, message, hint } = health.body;
  if (code !== undefined) return { ok: false, ...facts, state, code, message, hint };
  if (state === "starting") {
    return {
      ok: false,
      ...facts,
      state,
      message: "nothing has come from it",
      hint: "Is it on, and connected?",
    };
  }
  if (state === "online" && isEventDriven(kind)) {
    return { ok: true, ...facts, state, message: "it answers, and has nothing to say at the moment" };
  }
  return {
    ok: false,
    ...facts,
    state,
    message: "it answers, but has no reading yet",
    hint: "A receiver needs a fix: let it see the sky.",
  };
}

function isEventDriven(kind: string): boolean {
  return DRIVERS.some((entry) => entry.kind === kind && entry.isEventDriven === true);
}
