import { readFile } from "node:fs/promises";
import { redactParameters, redactText } from "../../../protocol/redact.ts";
import type { CameraSettings } from "../../contracts/cameras.ts";
import { codeOf, GatewayError } from "../../contracts/gateway-error.ts";

export type SourceKind = "rtsp" | "http" | "file";

export function sourceKind(url: string): SourceKind {
  if (/^rtsps?:/i.test(url)) return "rtsp";
  return /^https?:/i.test(url) ? "http" : "file";
}

/**
 * The address with its account, for ffmpeg alone.
 * @throws GatewayError CAMERA_PASSWORD where the password cannot be read
 */
export async function secretUrl({ id, url, account }: CameraSettings): Promise<string> {
  if (account === undefined) return url;
  const password = await passwordOf(id, account);
  return url.replace(/^([a-z]+:\/\/)/i, `$1${encoded(account.user)}:${encoded(password)}@`);
}

async function passwordOf(id: string, { passwordFile, passwordEnv }: NonNullable<CameraSettings["account"]>) {
  if (passwordEnv !== undefined) {
    const password = process.env[passwordEnv];
    if (password !== undefined) return password;
    throw missing(id, `the environment has no ${passwordEnv}`);
  }
  try {
    return (await readFile(passwordFile ?? "", "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    throw missing(id, `${passwordFile} cannot be read (${codeOf(error)})`);
  }
}

function missing(id: string, what: string): GatewayError {
  return new GatewayError("CAMERA_PASSWORD", `no password for camera ${id}: ${what}`, {
    hint: "Put the password alone into the file that passwordFile names, readable for the gateway's user only.",
  });
}

/** Also what a list of ffmpeg's concat format would take for the end of a name. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/['()*!~]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}

/** Whatever ffmpeg says, without accounts; it may name a part of an address alone. */
export function redacted(text: string): string {
  return redactParameters(redactText(text)).replace(/(authorization:\s*)[^\r\n]*/gi, "$1***");
}
