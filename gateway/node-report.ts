import process from "node:process";
import type { BusStatistics } from "../drivers/bus/bus-owner.ts";
import type { HealthBody } from "../protocol/bodies.ts";
import type { EvidenceFacts } from "./contracts/evidence.ts";
import type { GatewayError } from "./contracts/gateway-error.ts";
import type { CustodyJournal, JournalStatistics } from "./contracts/journal.ts";
import type { LiveBytes } from "./contracts/live-view.ts";
import type { DeviceHealth } from "./contracts/readings.ts";
import type { HoldingWriter } from "./journal/holding-writer.ts";
import type { Metric } from "./local/exposition.ts";
import type { LocalHealth } from "./local/local-server.ts";
import { ProcessVitals } from "./local/process-vitals.ts";
import { nodeMetrics } from "./node-metrics.ts";
import type { TimeKeeper } from "./time/time-keeper.ts";
import { BUDGET_SPENT } from "./uplink/budget-keeper.ts";
import type { UplinkFacts } from "./uplink/uplink.ts";
import type { VisionNumbers } from "./vision-metrics.ts";

/** Where the node's facts about itself come from. */
export interface NodeFacts {
  readonly node: string;
  readonly version: string;
  readonly run: string;
  readonly journal: Pick<CustodyJournal, "statistics">;
  readonly time: TimeKeeper;
  readonly upMs: () => number;
  readonly writer: HoldingWriter;
  readonly evidence: () => EvidenceFacts;
  readonly busStatistics: () => BusStatistics;
  readonly devices: () => readonly DeviceHealth[];
  /** Meters that answer and are not to be believed. */
  readonly levelFaults: () => readonly { readonly device: string; code: string; message: string; hint: string }[];
  /** Bytes of live video; undefined: no camera. */
  readonly live: () => LiveBytes | undefined;
  readonly uplink: () => UplinkFacts | undefined;
  readonly uplinkProblem: () => GatewayError | undefined;
  readonly vision: () => VisionNumbers | undefined;
  /** Since when the vehicle is parked, and how often it speaks then. */
  readonly parked: () => { readonly parkedSinceMs: number; readonly everyMs: number } | undefined;
}

/** Whether a gateway gets on. */
export interface NodePulse {
  readonly pendingWrites: number;
  /** Of this start, refusals included. */
  readonly answeredWrites: number;
  readonly devices: number;
  readonly devicesOnline: number;
  readonly isConnected: boolean;
  readonly unreceipted: number;
}

/** The node's word about itself, in three forms: `/health`, the `health` record, `/metrics`. */
export class NodeReport {
  readonly #facts: NodeFacts;
  readonly #vitals = new ProcessVitals();
  #delayP99Ms = 0;

  constructor(facts: NodeFacts) {
    this.#facts = facts;
  }

  stop(): void {
    this.#vitals.stop();
  }

  async health(): Promise<LocalHealth> {
    const statistics = await this.#facts.journal.statistics();
    const uplink = this.#facts.uplink();
    const uplinkProblem = this.#facts.uplinkProblem();
    const writer = this.#facts.writer.facts;
    const devices = this.#devices();
    const problems = [
      ...(writer.fault === undefined ? [] : [writer.fault]),
      ...(statistics.full && writer.fault === undefined ? [FULL] : []),
      ...(statistics.alarmStoreFull ? [ALARM_STORE_FULL] : []),
      ...(statistics.diskLow ? [DISK_LOW] : []),
      ...(uplink?.error === undefined ? [] : [uplink.error]),
      ...(uplink?.budget?.ration === "urgent" ? [BUDGET_SPENT] : []),
      ...(uplinkProblem === undefined ? [] : [problemOf(uplinkProblem)]),
      ...devices.flatMap(({ device, body }) =>
        body.code === undefined
          ? []
          : [{ code: body.code, message: `${device}: ${body.message ?? body.state}`, hint: body.hint ?? "" }],
      ),
      ...this.#facts
        .levelFaults()
        .map(({ device, code, message, hint }) => ({ code, message: `${device}: ${message}`, hint })),
      ...(this.#facts.time.quality === "none" ? [NO_CLOCK] : []),
    ];
    return {
      node: this.#facts.node,
      run: this.#facts.run,
      version: this.#facts.version,
      status: problems.length === 0 ? "ok" : "degraded",
      problems,
      upMs: this.#facts.upMs(),
      time: { atMs: this.#facts.time.nowMs(), quality: this.#facts.time.quality },
      devices: Object.fromEntries(devices.map(({ device, body }) => [device, body])),
      journal: { ...statistics, oldestUnsentMs: this.#oldestUnsentMs(statistics), ...writer, fault: undefined },
      evidence: this.#facts.evidence(),
      uplink: uplink ?? { isConnected: false },
    };
  }

  /** Resolves once the journal's thread has answered. */
  async pulse(): Promise<NodePulse> {
    const { unreceipted } = await this.#facts.journal.statistics();
    const devices = this.#devices();
    return {
      ...this.#facts.writer.progress,
      devices: devices.length,
      devicesOnline: devices.filter(({ body }) => body.state === "online").length,
      isConnected: this.#facts.uplink()?.isConnected === true,
      unreceipted,
    };
  }

  async healthBody(): Promise<HealthBody> {
    const statistics = await this.#facts.journal.statistics();
    const vitals = this.#vitals.sample();
    this.#delayP99Ms = vitals.eventLoopDelayP99Ms;
    const { freeDiskBytes } = statistics;
    const oldestUnsentMs = this.#oldestUnsentMs(statistics);
    const evidence = this.#facts.evidence();
    const { rttMs, budget } = this.#facts.uplink() ?? {};
    const devices = this.#devices();
    return {
      ...vitals,
      journalBytes: statistics.sizeBytes,
      ...(freeDiskBytes === undefined ? {} : { freeDiskBytes }),
      unsentRecords: statistics.unreceipted,
      ...(oldestUnsentMs === undefined ? {} : { oldestUnsentMs }),
      evidenceBytes: evidence.sizeBytes,
      unsentEvidenceFiles: evidence.unsentFiles,
      unsentEvidenceBytes: evidence.unsentBytes,
      laneDepth: [...statistics.laneDepth],
      ...(statistics.hoursToFull === undefined ? {} : { hoursToFull: statistics.hoursToFull }),
      reserveHeld: statistics.reserveHeld,
      journalFull: statistics.full,
      alarmStoreFull: statistics.alarmStoreFull,
      ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs) }),
      ...(budget === undefined ? {} : { dayBytes: budget.dayBytes, dailyBytes: budget.dailyBytes }),
      missedPolls: this.#facts.busStatistics().missedPolls,
      devices: Object.fromEntries(devices.map(({ device, body }) => [device, body.state])),
      ...this.#facts.parked(),
    };
  }

  async metrics(): Promise<readonly Metric[]> {
    const facts = this.#facts.uplink();
    const journal = await this.#facts.journal.statistics();
    const { user, system } = process.cpuUsage();
    return nodeMetrics({
      node: this.#facts.node,
      version: this.#facts.version,
      upMs: this.#facts.upMs(),
      rssBytes: process.memoryUsage.rss(),
      cpuUs: user + system,
      eventLoopDelayP99Ms: this.#delayP99Ms,
      isClockTrusted: this.#facts.time.quality !== "none",
      journal,
      oldestUnsentMs: this.#oldestUnsentMs(journal),
      evidence: this.#facts.evidence(),
      isConnected: facts?.isConnected === true,
      recordsInFlight: facts?.recordsInFlight ?? 0,
      rttMs: facts?.rttMs,
      rateBytesPerS: facts?.rateBytesPerS,
      budget: facts?.budget,
      bus: this.#facts.busStatistics(),
      live: this.#facts.live(),
      deviceStates: this.#devices().map(({ body }) => body.state),
      isParked: this.#facts.parked() !== undefined,
      vision: this.#facts.vision(),
      ...this.#facts.writer.facts,
    });
  }

  /** By the monotonic clock: one that is set does not make a record older. What an earlier start wrote is at least as old as this. */
  #oldestUnsentMs({ oldestUnreceipted: oldest }: JournalStatistics): number | undefined {
    if (oldest === undefined) return undefined;
    const { time, upMs } = this.#facts;
    if (oldest.isOfThisRun) return Math.max(0, Math.round(upMs() - oldest.upMs));
    const isDated = oldest.isTimeTrusted && time.quality !== "none";
    return Math.round(Math.max(upMs(), isDated ? time.nowMs() - oldest.atMs : 0));
  }

  #devices(): readonly DeviceHealth[] {
    return this.#facts.devices().filter(({ subject }) => subject === undefined);
  }
}

const FULL = {
  code: "JOURNAL_FULL",
  message: "the journal is full",
  hint: "Free space on the disk, or raise its quota.",
};
const ALARM_STORE_FULL = {
  code: "ALARM_STORE_FULL",
  message: "alarms have filled their share of the journal",
  hint: "Restore the link to the bridge. Until then each alarm is kept as its newest revision, the oldest ended ones as a count.",
};
const DISK_LOW = {
  code: "DISK_LOW",
  message: "the disk of the journal has less free than `retention.minFreeDiskBytes`",
  hint: "Free space on the disk. Until then the journal grows no more and gives up the least worth.",
};
const NO_CLOCK = {
  code: "CLOCK_UNTRUSTED",
  message: "this node does not know the time",
  hint: "Set the clock, allow NTP, or connect a GNSS receiver.",
};

export function problemOf({ code, message, hint }: GatewayError) {
  return { code, message, hint };
}
