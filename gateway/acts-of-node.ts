import type { Clock } from "../drivers/driver.ts";
import type { Position } from "../protocol/ids.ts";
import type { Command } from "../protocol/session.ts";
import { AssignmentBook } from "./assignments/assignment-book.ts";
import type { CommandOutcome } from "./commands/commands.ts";
import type { LiveLeases } from "./commands/live-leases.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import type { CameraActs } from "./contracts/camera-acts.ts";
import type { CustodyJournal } from "./contracts/journal.ts";
import type { LogMemory } from "./diagnostics/log-memory.ts";
import type { EvidenceStore } from "./evidence/evidence-store.ts";
import type { HoldingWriter } from "./journal/holding-writer.ts";
import { actOn } from "./node-acts.ts";
import { nodeDiagnostics } from "./node-diagnostics.ts";
import type { NodeReport } from "./node-report.ts";
import type { Supervisor } from "./supervisor/supervisor.ts";
import type { TimeKeeper } from "./time/time-keeper.ts";

const STARTS_WITHIN_MS = 15_000;
const STARTS_EVERY_MS = 100;

export interface ActsOptions {
  readonly config: GatewayConfig;
  readonly version: string;
  readonly logs: LogMemory;
  readonly leases: LiveLeases;
  readonly report: NodeReport;
  readonly journal: CustodyJournal;
  readonly time: TimeKeeper;
  readonly evidence: EvidenceStore;
  readonly writer: HoldingWriter;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly supervisor: () => Supervisor | undefined;
  readonly position: () => Position | undefined;
  readonly takeConfig: ((command: Command) => Promise<CommandOutcome | "later">) | undefined;
  /** Filled by the stage that has the cameras. */
  readonly cameras: () => CameraActs | undefined;
}

/** What can be asked of this node: by the bridge's commands, and by whoever stands before its local page. */
export class ActsOfNode {
  readonly assignments: AssignmentBook;
  readonly #options: ActsOptions;

  private constructor(options: ActsOptions, assignments: AssignmentBook) {
    this.#options = options;
    this.assignments = assignments;
  }

  static async open(options: ActsOptions): Promise<ActsOfNode> {
    const { config, journal, time, writer, evidence, position } = options;
    const assignments = await AssignmentBook.open({
      node: config.node,
      journal,
      stamp: () => time.stamp(),
      write: (record) => writer.write({ append: [record] }, "urgent"),
      key: () => evidence.signer,
      position,
    });
    return new ActsOfNode(options, assignments);
  }

  act(command: Command): Promise<CommandOutcome | "later"> {
    const { config, leases, logs, evidence, time, cameras, supervisor, takeConfig } = this.#options;
    return actOn(command, {
      ...{
        devices: [...config.devices, ...config.cameras],
        leases,
        logs,
        cameras: cameras(),
        evidence,
        assignments: this.assignments,
      },
      supervisor: supervisor(),
      isStarted: (device) => this.#isStarted(device),
      stamp: () => time.stamp(),
      diagnostics: () => this.diagnostics(),
      ...(takeConfig === undefined ? {} : { takeConfig }),
    });
  }

  async #isStarted(device: string): Promise<void> {
    const { supervisor, clock, signal } = this.#options;
    const untilMs = clock.upMs() + STARTS_WITHIN_MS;
    while (supervisor()?.stateOf(device) === "starting" && clock.upMs() < untilMs && !signal.aborted) {
      await clock.sleep(STARTS_EVERY_MS, signal);
    }
  }

  diagnostics(): Promise<{ readonly bytes: Uint8Array; readonly summary: object }> {
    const { config, version, report, logs, time, supervisor } = this.#options;
    const devices = supervisor()?.health() ?? [];
    return nodeDiagnostics({ config, version, report, logs, devices, nowMs: time.nowMs() });
  }
}
