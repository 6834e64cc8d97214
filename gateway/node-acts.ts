import type { Command } from "../protocol/session.ts";
import type { CommandOutcome } from "./commands/commands.ts";
import type { LiveLeases } from "./commands/live-leases.ts";
import type { LocalHealth } from "./local/local-server.ts";
import type { Supervisor } from "./supervisor/supervisor.ts";

/** What a command can reach on the node. */
export interface NodeActs {
  readonly devices: readonly { readonly id: string }[];
  readonly leases: LiveLeases;
  readonly supervisor: Supervisor | undefined;
  readonly health: () => Promise<LocalHealth>;
}

/** Does what a command that was found good asks for, or says why not. */
export async function actOn({ id, kind, args }: Command, node: NodeActs): Promise<CommandOutcome> {
  const device = args["device"];
  switch (kind) {
    case "live":
      if (typeof device !== "string" || !node.devices.some((known) => known.id === device)) {
        return { ok: false, code: "DEVICE_UNKNOWN", message: `there is no device ${JSON.stringify(device)}` };
      }
      node.leases.renew(device);
      return { ok: true };
    case "restart":
      return { ok: true };
    case "diagnostics": {
      const { problems, journal, uplink, upMs } = await node.health();
      return { ok: true, value: { problems: problems.slice(0, 5), journal, uplink, upMs } };
    }
    case "text":
    case "status":
    case "relay":
    case "snapshot":
      if (typeof device === "string" && node.supervisor !== undefined) {
        return node.supervisor.deliver({ device, id, kind, args });
      }
      return { ok: false, code: "DEVICE_UNKNOWN", message: "the command names no device" };
    default:
      return { ok: false, code: "COMMAND_UNSUPPORTED", message: `this version does not do "${kind}"` };
  }
}
