import type { Clock } from "../drivers/driver.ts";
import type { Position } from "../protocol/ids.ts";
import type { GatewayConfig } from "./config/gateway-config.ts";
import type { EvidenceTaker } from "./contracts/evidence.ts";
import type { JournalRestore, JournalWrite } from "./contracts/journal.ts";
import type { LiveLine, WantedVideo } from "./contracts/live-line.ts";
import type { Logger } from "./contracts/logger.ts";
import type { DeviceHealth } from "./contracts/readings.ts";
import type { TimeKeeper } from "./time/time-keeper.ts";

/** What cameras and judgement need of the gateway around them. */
export interface VisionOptions {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly time: TimeKeeper;
  readonly log: Logger;
  readonly restored: Pick<JournalRestore, "openAlarms" | "recentAlarms">;
  readonly evidence: EvidenceTaker;
  readonly position: () => Position | undefined;
  readonly onHealth: (health: DeviceHealth) => void;
  /** Alone and at once. */
  readonly write: (write: JournalWrite) => void;
  /** Somebody at the bridge looks at this camera. */
  readonly isWatched: (camera: string) => boolean;
  readonly publishLive: (camera: string, bytes: Uint8Array) => void;
  /** The one camera of which the bridge wants video now. */
  readonly videoWanted: () => WantedVideo | undefined;
  readonly videoLine: LiveLine;
}
