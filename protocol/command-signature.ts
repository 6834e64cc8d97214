import { type KeyObject, sign, verify } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";
import { COMMAND_VERSION, type Command } from "./session.ts";

export type UnsignedCommand = Omit<Command, "sig" | "keyId">;

/** Signs with Ed25519 over the canonical JSON of every field but `sig`. */
export function signCommand(command: UnsignedCommand, keyId: string, privateKey: KeyObject): Command {
  const unsigned = { ...command, keyId };
  return { ...unsigned, sig: sign(null, Buffer.from(canonicalJson(unsigned)), privateKey).toString("base64") };
}

/**
 * Why a command must not be obeyed. The first two say that it may come from anybody, so that nothing it says counts. Of the
 * others the bridge is the author: `COMMAND_OTHER_NODE` was sent to a node that it does not name, `COMMAND_DOWNGRADED` is in
 * a form that says less than this version demands (an older one, or without its node), `COMMAND_EXPIRED` came too late.
 */
export type CommandFault =
  | "COMMAND_KEY_UNKNOWN"
  | "COMMAND_SIGNATURE"
  | "COMMAND_DOWNGRADED"
  | "COMMAND_OTHER_NODE"
  | "COMMAND_EXPIRED";

export interface CommandJudge {
  readonly node: string;
  readonly keys: ReadonlyMap<string, KeyObject>;
  /**
   * UTC that has certainly been reached: the node's own where its clock is trusted, else that at which the newest command
   * that it obeyed was issued. An older command never comes back to life because a clock was set back.
   */
  readonly reachedMs: number;
}

/** Of these a version without the node's name is obeyed too: they change nothing. */
const HARMLESS = new Set<Command["kind"]>(["live"]);

/** @returns undefined when the command may be obeyed */
export function commandFault(command: Command, { node, keys, reachedMs }: CommandJudge): CommandFault | undefined {
  const key = keys.get(command.keyId);
  if (key === undefined) return "COMMAND_KEY_UNKNOWN";
  const { sig, ...unsigned } = command;
  if (!verify(null, Buffer.from(canonicalJson(unsigned)), key, Buffer.from(sig, "base64"))) return "COMMAND_SIGNATURE";
  if (command.v < COMMAND_VERSION) return "COMMAND_DOWNGRADED";
  if (command.node === undefined && !HARMLESS.has(command.kind)) return "COMMAND_DOWNGRADED";
  if (command.node !== undefined && command.node !== node) return "COMMAND_OTHER_NODE";
  return reachedMs > command.expiresAtMs ? "COMMAND_EXPIRED" : undefined;
}
