import type { BusStatistics } from "../drivers/bus/bus-owner.ts";
import type { EvidenceFacts } from "./contracts/evidence.ts";
import type { JournalStatistics } from "./contracts/journal.ts";
import type { LiveBytes } from "./contracts/live-view.ts";
import type { Metric, MetricSample } from "./local/exposition.ts";
import { type VisionNumbers, visionMetrics } from "./vision-metrics.ts";

const STATES = ["starting", "online", "silent", "offline", "parked", "stopped"] as const;

/** What `/metrics` is made of. */
export interface NodeNumbers {
  readonly node: string;
  readonly version: string;
  readonly upMs: number;
  readonly rssBytes: number;
  readonly cpuUs: number;
  readonly eventLoopDelayP99Ms: number;
  readonly oldestUnsentMs: number | undefined;
  readonly evidence: EvidenceFacts;
  readonly isClockTrusted: boolean;
  readonly journal: JournalStatistics;
  readonly isConnected: boolean;
  readonly recordsInFlight: number;
  readonly rttMs: number | undefined;
  readonly rateBytesPerS: number | undefined;
  /** Of a metered line. */
  readonly budget: { readonly dayBytes: number; readonly dailyBytes: number } | undefined;
  readonly bus: BusStatistics;
  readonly live: LiveBytes | undefined;
  readonly deviceStates: readonly string[];
  readonly isParked: boolean;
  /** Undefined without cameras. */
  readonly vision: VisionNumbers | undefined;
  readonly heldWrites: number;
  readonly lostWrites: number;
}

/** The gateway's metrics: docs/operations.md explains them to those who watch. */
export function nodeMetrics(numbers: NodeNumbers): readonly Metric[] {
  const { journal, bus, deviceStates, evidence } = numbers;
  const states = STATES.map((state) => ({
    labels: { state },
    value: deviceStates.filter((other) => other === state).length,
  }));
  return [
    gauge("info", "Version of the program, 1", { labels: { node: numbers.node, version: numbers.version }, value: 1 }),
    gauge("up_seconds", "Since the start", numbers.upMs / 1000),
    gauge("resident_memory_bytes", "Memory of the process", numbers.rssBytes),
    counter("cpu_seconds_total", "Processor time of the process", numbers.cpuUs / 1e6),
    gauge(
      "event_loop_delay_p99_seconds",
      "Delay of the event loop, as in the newest health record",
      numbers.eventLoopDelayP99Ms / 1000,
    ),
    gauge("clock_trusted", "Whether the node knows the time", Number(numbers.isClockTrusted)),
    gauge("connected", "Whether the bridge is connected", Number(numbers.isConnected)),
    gauge("round_trip_seconds", "Publish to receipt, smoothed", (numbers.rttMs ?? 0) / 1000),
    gauge(
      "rate_bytes_per_second",
      "What the node lets itself send, configured or measured",
      numbers.rateBytesPerS ?? 0,
    ),
    gauge("day_bytes", "What the sockets of a metered line carried today", numbers.budget?.dayBytes ?? 0),
    gauge("day_bytes_allowed", "What they may carry in a day; 0: no budget", numbers.budget?.dailyBytes ?? 0),
    gauge("records_in_flight", "Sent and without a receipt", numbers.recordsInFlight),
    gauge(
      "unsent_records",
      "Without a receipt, by lane",
      ...journal.laneDepth.map((value, lane) => ({ labels: { lane: String(lane) }, value })),
    ),
    gauge("oldest_unsent_seconds", "Age of the oldest record without a receipt", (numbers.oldestUnsentMs ?? 0) / 1000),
    gauge(
      "evidence_bytes",
      "Files of evidence: those that the bridge has, or that were given up, and those still to be sent",
      { labels: { state: "over" }, value: evidence.storedBytes },
      { labels: { state: "unsent" }, value: evidence.unsentBytes },
    ),
    gauge("evidence_unsent_files", "Files of evidence that are still to be sent", evidence.unsentFiles),
    metric("counter", "live_video_bytes_total", "Bytes of live video, by where they went", [
      { labels: { to: "page" }, value: numbers.live?.page ?? 0 },
      { labels: { to: "bridge" }, value: numbers.live?.bridge ?? 0 },
    ]),
    gauge("journal_bytes", "Size of the journal", journal.sizeBytes),
    gauge("journal_full", "Whether the journal refuses all but alarms", Number(journal.full)),
    gauge("journal_hours_to_full", "Until unsent records must be given up", journal.hoursToFull ?? Number.NaN),
    gauge("journal_reserve_held", "Whether the space that only alarms may have is there", Number(journal.reserveHeld)),
    gauge("alarm_store_full", "Whether alarms have filled their share", Number(journal.alarmStoreFull)),
    gauge("disk_free_bytes", "Free on the journal's disk", journal.freeDiskBytes ?? Number.NaN),
    gauge("held_writes", "Writes that the journal refused and that wait in memory", numbers.heldWrites),
    counter("lost_writes_total", "Writes that were given up", numbers.lostWrites),
    gauge("devices", "Devices by state", ...states),
    counter("bus_exchanges_total", "Requests on serial lines and their like", bus.exchanges),
    counter("bus_timeouts_total", "Requests without an answer in time", bus.timeouts),
    counter("bus_missed_polls_total", "Polls whose time passed while the line was busy", bus.missedPolls),
    gauge("parked", "Whether the vehicle is parked", Number(numbers.isParked)),
    ...visionMetrics(numbers.vision),
  ];
}

function gauge(name: string, help: string, ...samples: readonly (number | MetricSample)[]): Metric {
  return metric("gauge", name, help, samples);
}

function counter(name: `${string}_total`, help: string, value: number): Metric {
  return metric("counter", name, help, [value]);
}

function metric(type: Metric["type"], name: string, help: string, samples: readonly (number | MetricSample)[]): Metric {
  return {
    name: `shao_gateway_${name}`,
    type,
    help,
    samples: samples.map((sample) => (typeof sample === "number" ? { value: sample } : sample)),
  };
}
