import type { Fault, Stroke } from "./faults/fault.ts";
import type { Lane } from "./lanes.ts";
import { seededRandom } from "./seeded-random.ts";

export interface PlannedStroke extends Stroke {
  readonly fault: string;
}

export type FaultPlan = Readonly<Record<Lane, readonly PlannedStroke[]>>;

/** All choices of a run, by the seed alone: each fault at least once where there are rounds enough, then as chance has it. */
export function planFaults(
  faults: readonly Fault[],
  rounds: number,
  seed: number,
  lanesOf: (fault: Fault) => readonly Lane[] = ({ lanes }) => lanes.filter((lane) => lane !== "second-bridge"),
): FaultPlan {
  const random = seededRandom(seed);
  const plan: Record<Lane, PlannedStroke[]> = { gateway: [], bridge: [], "second-bridge": [], link: [] };
  const turns = new Map<string, number>();
  const first = [...faults].sort(() => random() - 0.5);
  for (let round = 0; round < rounds; round += 1) {
    const fault = first[round] ?? faults[Math.floor(random() * faults.length)];
    if (fault === undefined) break;
    const lanes = lanesOf(fault);
    const lane = lanes[Math.floor(random() * lanes.length)] ?? "gateway";
    const turn = turns.get(`${fault.name} ${lane}`) ?? 0;
    turns.set(`${fault.name} ${lane}`, turn + 1);
    plan[lane].push({ fault: fault.name, ...fault.stroke(lane, random, turn) });
  }
  return plan;
}
