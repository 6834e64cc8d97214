import { FAULT_POINTS } from "../../../cloud-bridge/store/fault-points.ts";
import { GATEWAY_FAULT_POINTS } from "../../../gateway/contracts/fault-points.ts";
import type { FaultSite } from "../fault-site.ts";
import { type Half, halfOf } from "../lanes.ts";
import type { Fault } from "./fault.ts";

/** A half that was told to die at a fault point and does not get there is killed all the same. */
const PATIENCE_MS = 6_000;
/** Longer where a point was asked for by name: a node may first have to come back to its bridge. */
const PATIENCE_BY_NAME_MS = 20_000;
const MAX_PAUSE_MS = 1_000;
const MAX_AWAY_MS = 250;
/** Met by the set-up of each run: a migration runs once. */
const AT_SET_UP: readonly string[] = ["gateway-mid-migration", "bridge-mid-migration"];

/** Points at which a half dies in its ordinary work. */
export function pointsOf(half: Half): readonly string[] {
  const all: readonly string[] = half === "gateway" ? GATEWAY_FAULT_POINTS : FAULT_POINTS;
  return all.filter((point) => !AT_SET_UP.includes(point));
}

/** `only`: no random moments, these points by turns, each at the first time that it is reached. */
export function killFault(only?: readonly string[]): Fault {
  return {
    name: "kill",
    does: "SIGKILL at a random moment or at a named fault point, by turns",
    lanes: ["gateway", "bridge", "second-bridge"],
    stroke(lane, random, turn) {
      const half = halfOf(lane);
      const points = only?.filter((point) => pointsOf(half).includes(point)) ?? pointsOf(half);
      const at = only === undefined ? (turn % 2 === 1 ? turn >> 1 : undefined) : turn;
      const point = at === undefined ? undefined : points[at % points.length];
      const drawn = 1 + Math.floor(random() * 3);
      const count = only === undefined ? drawn : 1;
      const patienceMs = only === undefined ? PATIENCE_MS : PATIENCE_BY_NAME_MS;
      const afterMs = random() * MAX_PAUSE_MS;
      const end = (site: FaultSite) => site.startHalf(half);
      const holdMs = random() * MAX_AWAY_MS;
      if (point === undefined) {
        return { says: `${half} killed`, holdMs, inject: (site) => killAfter(site, half, afterMs), end };
      }
      return {
        says: `${half} dies at ${point}:${count}`,
        faultPoint: `${point}:${count}`,
        holdMs,
        inject: (site) => dieAt(site, half, point, patienceMs),
        end,
      };
    },
  };
}

async function killAfter(site: FaultSite, half: Half, afterMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await site.kill(half);
}

async function dieAt(site: FaultSite, half: Half, point: string, patienceMs: number): Promise<void> {
  const child = site.child(half);
  let timer: NodeJS.Timeout | undefined;
  const died = await Promise.race([
    child.ended.then(() => true),
    new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), patienceMs);
    }),
  ]);
  clearTimeout(timer);
  if (died) site.reached(point);
  else await site.kill(half);
}
