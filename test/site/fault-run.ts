import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { contentOf } from "./bridge-data.ts";
import { type CustodyReport, custodyReport, isClean } from "./custody-report.ts";
import { lacks, type Need } from "./fault-needs.ts";
import { type FaultPlan, planFaults } from "./fault-plan.ts";
import { FaultSite, type NegativeControl } from "./fault-site.ts";
import type { Fault } from "./faults/fault.ts";
import { killFault } from "./faults/kill.ts";
import { faultNamed } from "./faults/registry.ts";
import type { Lane } from "./lanes.ts";

export interface FaultOptions {
  /** By name; those that this machine cannot give are left out and told in `skipped`. */
  readonly faults: readonly string[];
  readonly rounds: number;
  readonly seed: number;
  readonly negativeControl?: NegativeControl;
  /** Kills happen at these fault points only, by turns. */
  readonly points?: readonly string[];
  /** Two processes of the bridge on one PostgreSQL. */
  readonly hasTwoBridges?: boolean;
  /** Mosquitto between nodes and bridge; there anyway where a fault strikes it. */
  readonly hasMosquitto?: boolean;
  readonly say?: (sentence: string) => void;
  /** Keeps the folder, to look at. */
  readonly keep?: boolean;
  /** Folder to which the state of a run that was not clean is copied. */
  readonly keepUnclean?: string;
}

export interface FaultReport extends CustodyReport {
  readonly seed: number;
  readonly rounds: number;
  readonly kills: number;
  readonly cuts: number;
  /** How often each fault struck. */
  readonly faults: Readonly<Record<string, number>>;
  /** Named fault points at which a half died by itself, and how often. */
  readonly points: Readonly<Record<string, number>>;
  /** Faults that this machine cannot give, and why. */
  readonly skipped: Readonly<Record<string, string>>;
  readonly drained: boolean;
  /** Nothing is wrong, and there was something to prove. */
  readonly clean: boolean;
  readonly directory?: string;
}

const DRAIN_MS = 120_000;
/** A few early deaths may leave no time for an alarm, and a run without alarms proves nothing of them. */
const LEAST_ALARMS = 6;
const LOAD_MS = 60_000;

/** Load, faults, recovery; then what the nodes had committed is compared with what the bridge holds. */
export async function faultRun(options: FaultOptions): Promise<FaultReport> {
  const { rounds, seed, say = () => {} } = options;
  const { faults, skipped } = available(options);
  const { hasTwoBridges = false, hasMosquitto = false } = options;
  const plan = planFaults(faults, rounds, seed, hasTwoBridges ? lanesOfTwo : undefined);
  const directory = mkdtempSync(join(tmpdir(), "shao-fault-"));
  const needs = new Set<Need>(faults.flatMap((fault) => fault.needs ?? []));
  if (hasTwoBridges) needs.add("two-bridges");
  if (hasMosquitto) needs.add("mosquitto");
  const control = options.negativeControl === undefined ? {} : { negativeControl: options.negativeControl };
  const site = await FaultSite.start({ directory, needs, ...control });
  try {
    const struck = await strike(site, plan, say);
    site.link.set("open");
    for (const untilMs = Date.now() + LOAD_MS; site.alarms() < LEAST_ALARMS && Date.now() < untilMs; ) await wait(200);
    site.endLoad();
    say("faults have ended; draining");
    const areEmpty = await site.emptyCards(DRAIN_MS);
    const drained = (await site.drain(site.observer, DRAIN_MS)) && areEmpty;
    if (!drained) say("it did not drain in time");
    await site.stop();
    const observers = [site.observer, ...site.cards];
    const content = await contentOf(site.data);
    const report = custodyReport(content, observers, site.brokenReceipts, (sha256) => site.holdsFile(sha256));
    const points = Object.fromEntries([...site.pointsReached].sort());
    const clean = isClean(report) && drained && report.alarms > 0;
    const kept = options.keep === true ? { directory } : clean ? {} : copyKept(options, directory);
    const counts = { kills: (struck["kill"] ?? 0) + atSetUp(points), cuts: struck["cut"] ?? 0 };
    return { seed, rounds, ...counts, faults: struck, points, skipped, drained, clean, ...report, ...kept };
  } finally {
    await site.stop();
    await site.leave();
    if (options.keep !== true) {
      site.unmount();
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

/** Disk images stay behind: what is on them is mounted, and copied. */
function copyKept({ keepUnclean, seed }: FaultOptions, directory: string): { readonly directory?: string } {
  if (keepUnclean === undefined) return {};
  const copy = join(keepUnclean, `${basename(directory)}-seed-${seed}`);
  cpSync(directory, copy, { recursive: true, filter: (path) => !/(?:\.img|\.sock|lost\+found)$/u.test(path) });
  return { directory: copy };
}

function atSetUp(points: Readonly<Record<string, number>>): number {
  return (points["gateway-mid-migration"] ?? 0) + (points["bridge-mid-migration"] ?? 0);
}

function available({ faults: names, points, hasTwoBridges }: FaultOptions) {
  const skipped: Record<string, string> = {};
  const faults: Fault[] = [];
  for (const name of names) {
    const fault = name === "kill" ? killFault(points) : faultNamed(name);
    const why = (fault.needs ?? []).map(lacks).find((reason) => reason !== undefined);
    if (why !== undefined) skipped[name] = why;
    else if (hasTwoBridges === true && lanesOfTwo(fault).length === 0) skipped[name] = "it strikes SQLite's file";
    else faults.push(fault);
  }
  return { faults, skipped };
}

/** A bridge whose data lies on PostgreSQL has no file that could be damaged, and no disk of its own. */
function lanesOfTwo({ lanes }: Fault): readonly Lane[] {
  return lanes.includes("second-bridge") ? lanes : lanes.filter((lane) => lane !== "bridge");
}

/** The lanes side by side, each one stroke after another. */
async function strike(site: FaultSite, plan: FaultPlan, say: (sentence: string) => void) {
  const struck: Record<string, number> = {};
  const lanes = Object.keys(plan) as Lane[];
  await Promise.all(
    lanes.map(async (lane) => {
      const strokes = plan[lane];
      // The first of a lane finds its half without a point to die at.
      if (lane !== "link" && strokes[0]?.faultPoint !== undefined) {
        await site.kill(lane);
        site.arm(lane, strokes[0].faultPoint);
        await site.startHalf(lane);
      }
      for (const [at, stroke] of strokes.entries()) {
        await stroke.inject(site);
        await wait(stroke.holdMs);
        if (lane !== "link") site.arm(lane, strokes[at + 1]?.faultPoint);
        await stroke.end(site);
        struck[stroke.fault] = (struck[stroke.fault] ?? 0) + 1;
        say(`${lane} ${at + 1}/${strokes.length}: ${stroke.says}`);
      }
    }),
  );
  return struck;
}
