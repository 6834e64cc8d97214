import { type KeyObject, sign, verify } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";
import type { Command } from "./session.ts";

export type UnsignedCommand = Omit<Command, "sig" | "keyId">;

/** Signs with Ed25519 over the canonical JSON of every field but `sig`. */
export function signCommand(command: UnsignedCommand, keyId: string, privateKey: KeyObject): Command {
  const unsigned = { ...command, keyId };
  return { ...unsigned, sig: sign(null, Buffer.from(canonicalJson(unsigned)), privateKey).toString("base64") };
}

export type CommandFault = "COMMAND_KEY_UNKNOWN" | "COMMAND_SIGNATURE" | "COMMAND_EXPIRED";

/**
 * @param nowMs UTC of the node; absent when its clock was never set: then expiry is not judged
 * @returns undefined when the command may be obeyed
 */
export function commandFault(
  command: Command,
  keys: ReadonlyMap<string, KeyObject>,
  nowMs?: number,
): CommandFault | undefined {
  const key = keys.get(command.keyId);
  if (key === undefined) return "COMMAND_KEY_UNKNOWN";
  const { sig, ...unsigned } = command;
  if (!verify(null, Buffer.from(canonicalJson(unsigned)), key, Buffer.from(sig, "base64"))) return "COMMAND_SIGNATURE";
  if (nowMs !== undefined && nowMs > command.expiresAtMs) return "COMMAND_EXPIRED";
  return undefined;
}
