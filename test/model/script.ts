import fc from "fast-check";
import { ACTS, type Act, type Mutation, type RunCounts, type Step, World } from "./world.ts";

/** What happens often, and what rarely. */
const WEIGHTS: Readonly<Record<Act, number>> = {
  record: 10,
  raise: 8,
  update: 5,
  clear: 5,
  crash: 3,
  "break-link": 3,
  "mend-link": 5,
  "noisy-link": 3,
  "break-store": 2,
  "mend-store": 4,
  "crash-worker": 2,
  elect: 2,
  "back-up": 2,
  restore: 2,
  "swap-card": 2,
  "clone-card": 1,
  month: 1,
  "give-up": 2,
  expire: 2,
  spoil: 1,
  garble: 1,
  "close-case": 2,
};

const act = fc.oneof(...ACTS.map((name) => ({ weight: WEIGHTS[name], arbitrary: fc.constant(name) })));

const step: fc.Arbitrary<Step> = fc.record({
  act,
  thenMs: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 300 }) },
    { weight: 3, arbitrary: fc.integer({ min: 300, max: 12_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 12_000, max: 700_000 }) },
  ),
  size: fc.integer({ min: 0, max: 4 }),
});

export interface ModelResult {
  readonly seed: number;
  readonly runs: number;
  readonly total: RunCounts;
}

/** Runs the model as often as told; the first counterexample is shrunk and thrown, with the seed that repeats it. */
export function runModel(
  runs: number,
  seed: number,
  mutation?: Mutation,
  examples: readonly (readonly Step[])[] = [],
): ModelResult {
  const total = { records: 0, alarms: 0, cases: 0, stored: 0, declared: 0, messages: 0 };
  fc.assert(
    fc.property(fc.array(step, { minLength: 4, maxLength: 40 }), fc.integer({ min: 1, max: 1e9 }), (steps, chance) => {
      const counts = new World(chance, mutation).run(steps);
      for (const key of Object.keys(total) as (keyof RunCounts)[]) total[key] += counts[key];
    }),
    {
      numRuns: runs,
      seed,
      examples: examples.map((steps): [Step[], number] => [[...steps], 1]),
      ...(mutation === undefined ? {} : { endOnFailure: true }),
    },
  );
  return { seed, runs, total };
}

/** `SHAO_SEED=n` repeats a run. */
export function seedOf(environment: NodeJS.ProcessEnv): number {
  const given = Number(environment["SHAO_SEED"]);
  return Number.isSafeInteger(given) && given !== 0 ? given : Date.now() % 2 ** 31;
}
