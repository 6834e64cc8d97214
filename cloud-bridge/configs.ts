import { ConfigDesk } from "./dispatch/config-desk.ts";
import type { NodeCommands } from "./dispatch/node-commands.ts";
import { Rollouts } from "./dispatch/rollouts.ts";
import type { BridgeClock } from "./store/clock.ts";
import type { Db } from "./store/database.ts";
import type { Logger } from "./store/logger.ts";

/** What brings configs to nodes, one by one and many together. */
export function configsOf(of: { db: Db; clock: BridgeClock; commands: NodeCommands; log: Logger }): {
  readonly configs: ConfigDesk;
  readonly rollouts: Rollouts;
} {
  const configs = new ConfigDesk(of);
  return { configs, rollouts: new Rollouts({ ...of, log: of.log.child({ room: "configs" }), desk: configs }) };
}
