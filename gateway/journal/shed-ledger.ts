import {
  contains,
  countOf,
  lastOf,
  NO_RANGES,
  type Ranges,
  rangesFrom,
  subtract,
  union,
} from "../../protocol/ranges.ts";
import type { BodyOf } from "../../protocol/record.ts";
import type { Deletion } from "./record-rows.ts";
import type { RunState, RunTable } from "./run-table.ts";
import { SHELF } from "./shelf.ts";

/** Ranges in one `shed`: their digits must fit a body of lane 1. */
const RANGES_A_BODY = 100;
/** Full ones that are written again at once, so that one deletion never rewrites all that was ever declared. */
const FULL_A_ROUND = 8;

type Reason = "quota" | "expired";

/** A `shed` of this journal that has no receipt yet. */
interface LiveShed {
  readonly at: RunState;
  readonly seq: number;
  readonly target: string;
  readonly reason: Reason;
  readonly ranges: Ranges;
}

export interface Declaration {
  readonly bodies: readonly BodyOf<"shed">[];
  /** Older sheds that the new ones say again, together with the seqs of those themselves. */
  readonly absorbed: readonly Deletion[];
}

/**
 * Keeps the declarations of a long outage few: a new one takes up the unreceipted ones that it touches or that have room, and
 * declares their seqs along with the rest. What is declared only grows, and as its gaps close its ranges become fewer.
 */
export class ShedLedger {
  readonly #runs: RunTable;
  readonly #load: () => Iterable<{ state: RunState; seq: number; body: BodyOf<"shed"> }>;
  #live: LiveShed[] | undefined;

  /** @param load reads all that are in the file; called once, at the first need */
  constructor(runs: RunTable, load: () => Iterable<{ state: RunState; seq: number; body: BodyOf<"shed"> }>) {
    this.#runs = runs;
    this.#load = load;
  }

  /** A `shed` was committed, by whomever. */
  committed(at: RunState, seq: number, body: BodyOf<"shed">): void {
    const live = liveShed(at, seq, body);
    if (live !== undefined) this.#live?.push(live);
  }

  /** What `declare` took up is gone. */
  absorbed(deletions: readonly Deletion[]): void {
    this.#live = this.#live?.filter(
      ({ at, seq }) => !deletions.some((gone) => gone.state === at && gone.seqs.includes(seq)),
    );
  }

  /** @param lost rows without a receipt that go, by run */
  declare(lost: ReadonlyMap<string, Ranges>, reason: Reason): Declaration {
    const live = this.#current().filter((shed) => shed.reason === reason);
    const due = new Map([...lost].filter(([, ranges]) => ranges.length > 0));
    const absorbed = new Set<LiveShed>();
    let full = 0;
    for (let changed = due.size > 0; changed; ) {
      changed = false;
      for (const shed of live) {
        const ranges = due.get(shed.target);
        if (ranges === undefined || absorbed.has(shed)) continue;
        if (shed.ranges.length >= RANGES_A_BODY) {
          if (full >= FULL_A_ROUND || !touches(shed.ranges, ranges)) continue;
          full += 1;
        }
        absorbed.add(shed);
        due.set(shed.target, union(ranges, shed.ranges));
        due.set(shed.at.run, union(due.get(shed.at.run) ?? NO_RANGES, [[shed.seq, shed.seq]]));
        changed = true;
      }
    }
    return {
      bodies: [...due].flatMap(([run, ranges]) => bodiesOf(run, ranges, reason)),
      absorbed: [...absorbed].map(({ at, seq }) => ({ state: at, shelf: SHELF.shed, seqs: [seq] })),
    };
  }

  #current(): readonly LiveShed[] {
    this.#live ??= [...this.#load()].flatMap(({ state, seq, body }) => liveShed(state, seq, body) ?? []);
    this.#live = this.#live.filter(({ at, seq }) => this.#runs.get(at.run) === at && !contains(at.receipted, seq));
    return this.#live;
  }
}

/** Rows that go and have no receipt, by run. */
export function lostBy(deletions: readonly Deletion[]): ReadonlyMap<string, Ranges> {
  const lost = new Map<string, Ranges>();
  for (const { state, seqs } of deletions) {
    const ranges = subtract(rangesFrom(seqs.map((seq) => [seq, seq])), state.receipted);
    if (countOf(ranges) > 0) lost.set(state.run, union(lost.get(state.run) ?? NO_RANGES, ranges));
  }
  return lost;
}

function liveShed(at: RunState, seq: number, { run, ranges, reason, kind, sha256 }: BodyOf<"shed">) {
  if ((reason !== "quota" && reason !== "expired") || kind !== undefined || sha256 !== undefined) return undefined;
  return { at, seq, target: run, reason, ranges: rangesFrom(ranges) };
}

function touches(a: Ranges, b: Ranges): boolean {
  return (a[0]?.[0] ?? 0) <= lastOf(b) + 1 && (b[0]?.[0] ?? 0) <= lastOf(a) + 1;
}

function bodiesOf(run: string, ranges: Ranges, reason: Reason): BodyOf<"shed">[] {
  const bodies: BodyOf<"shed">[] = [];
  for (let at = 0; at < ranges.length; at += RANGES_A_BODY) {
    bodies.push({ run, ranges: ranges.slice(at, at + RANGES_A_BODY).map(([a, b]) => [a, b]), reason });
  }
  return bodies;
}
