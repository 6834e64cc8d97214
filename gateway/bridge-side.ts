import type { Clock } from "../drivers/driver.ts";
import type { Command } from "../protocol/session.ts";
import type { CommandOutcome } from "./commands/commands.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import type { NodeTwin } from "./contracts/config-twin.ts";
import type { BlobFiles } from "./contracts/evidence.ts";
import { type GatewayFaultSpec, type GatewayNegativeControl, killAtFaultPoint } from "./contracts/fault-points.ts";
import { GatewayError } from "./contracts/gateway-error.ts";
import type { CustodyJournal } from "./contracts/journal.ts";
import type { Logger } from "./contracts/logger.ts";
import { commandKeys, type NodeIdentity } from "./identity/identity-files.ts";
import { problemOf } from "./node-report.ts";
import { noteCommandedRestart } from "./start-record.ts";
import type { TimeKeeper } from "./time/time-keeper.ts";
import type { Uplink } from "./uplink/uplink.ts";

/** How long the way to the bridge, a third of the program to load, stands back for the first reading. */
const FIRST_READING_MS = 500;

export interface BridgeSideOptions {
  readonly config: GatewayConfig;
  readonly version: string;
  readonly log: Logger;
  readonly faultPoint?: GatewayFaultSpec;
  readonly negativeControl?: GatewayNegativeControl;
  /** Absent: this box was never enrolled. */
  readonly identity: NodeIdentity | undefined;
  readonly journal: CustodyJournal;
  readonly files: BlobFiles;
  readonly time: TimeKeeper;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Resolves with the first reading of any device. */
  readonly firstReading: Promise<void>;
  /** Does what a command that was found good asks for. */
  readonly act: (command: Command) => Promise<CommandOutcome | "later">;
  readonly twin: NodeTwin | undefined;
  readonly onEnd: (end: "restart" | "journal-broken") => void;
}

/**
 * Starts all that speaks with the bridge: records and files out, commands in.
 * @returns why there is nothing to start, when the node is not enrolled
 */
export async function startBridgeSide(options: BridgeSideOptions): Promise<Uplink | GatewayError> {
  const { config, version, log, identity, journal, time, clock, faultPoint, negativeControl, onEnd } = options;
  const { url, topicPrefix, insecureLoopback } = config.bridge;
  const isPlain = insecureLoopback && url.startsWith("mqtt://");
  if (identity === undefined && !isPlain) {
    const problem = new GatewayError("NODE_NOT_ENROLLED", `there is no identity under ${config.state}`, {
      hint: "`shao node add ID` at the bridge prints the command to run here. Until then all records are kept.",
    });
    log.error(problemOf(problem), "node is not enrolled, nothing is sent");
    return problem;
  }
  if (config.devices.some(({ isEnabled }) => isEnabled))
    await Promise.race([options.firstReading, clock.sleep(FIRST_READING_MS, options.signal)]);
  const [{ Commands }, { Uplink }] = await Promise.all([
    import("./commands/commands.ts"),
    import("./uplink/uplink.ts"),
  ]);
  const stamp = () => time.stamp();
  const commands = await Commands.open({
    node: config.node,
    keys: commandKeys(identity),
    journal,
    stamp,
    log,
    act: options.act,
    isBegun: (id) => options.twin?.isTrying(id) === true,
    onRestart: () => void noteCommandedRestart(journal, log).then(() => onEnd("restart")),
  });
  void options.twin?.answerBy((command, outcome) => commands.settle(command, outcome));
  return Uplink.start({
    node: config.node,
    version,
    url,
    topicPrefix,
    journal,
    files: options.files,
    stamp,
    upMs: () => clock.upMs(),
    log,
    onCommand: (bytes) => void commands.take(bytes),
    onJournalBroken: () => onEnd("journal-broken"),
    faultPoints: killAtFaultPoint(faultPoint),
    ...(identity === undefined || isPlain
      ? {}
      : {
          bridge: identity.bridge,
          tls: { ca: identity.caPem, cert: identity.certificatePem, key: identity.keyPem },
        }),
    line: config.bridge,
    timeZone: config.timeZone,
    ...(negativeControl === "receipt-on-puback" ? { negativeControl } : {}),
  });
}
