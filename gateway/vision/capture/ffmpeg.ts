import { spawn } from "node:child_process";
import type { Clock } from "../../../drivers/driver.ts";
import { GatewayError } from "../../contracts/gateway-error.ts";

/** What of ffmpeg's command line changed between its versions, as this box has it. */
export interface Ffmpeg {
  readonly path: string;
  readonly version: string;
  /** RTSP's time limit of the socket: `stimeout` before 5.0, where `timeout` meant listening. */
  readonly rtspTimeout: "timeout" | "stimeout";
  /** Before 5.1 it was `-vsync 0`. */
  readonly passThrough: readonly [string, string];
  /** Whether a filter can say the time of each picture at once: `direct` of `metadata` came with 4.4. */
  readonly tellsTimes: boolean;
  /** Starts a child that the kernel ends with us, where util-linux is there. */
  readonly endWithUs: readonly string[];
}

const PROBE_WITHIN_MS = 10_000;
/** A box without ffmpeg gets it while the gateway runs. */
const PROBE_AGAIN_MS = 60_000;

/** @throws GatewayError FFMPEG_MISSING, FFMPEG_OLD */
export async function probeFfmpeg(path = "ffmpeg"): Promise<Ffmpeg> {
  const text = await outputOf(path, ["-hide_banner", "-version"]);
  if (text === undefined) {
    throw new GatewayError("FFMPEG_MISSING", `there is no ${path} to run`, {
      hint: "Cameras need ffmpeg: run scripts/setup, or `sudo apt-get install ffmpeg`.",
    });
  }
  const version = /^ffmpeg version (\S+)/.exec(text)?.[1] ?? "unknown";
  const setpriv = await outputOf("setpriv", ["--pdeathsig", "KILL", "true"]);
  return ffmpegOf(path, version, setpriv !== undefined);
}

/** Asked once, and again only while it is not there. */
export function probing(path: string, clock: Pick<Clock, "upMs">): () => Promise<Ffmpeg> {
  let known: Promise<Ffmpeg> | undefined;
  let missingUpMs: number | undefined;
  return () => {
    const isMissing = missingUpMs !== undefined && clock.upMs() - missingUpMs > PROBE_AGAIN_MS;
    if (known === undefined || isMissing) {
      missingUpMs = undefined;
      known = probeFfmpeg(path);
      known.catch(() => {
        missingUpMs = clock.upMs();
      });
    }
    return known;
  };
}

/** @param version as `ffmpeg -version` says it; a build from a snapshot has none of the usual form and counts as new */
export function ffmpegOf(path: string, version: string, hasSetpriv: boolean): Ffmpeg {
  const [, major = "99", minor = "0"] = /^n?(\d+)\.(\d+)/.exec(version) ?? [];
  const number = Number(major) + Number(minor) / 100;
  if (number < 4) {
    throw new GatewayError("FFMPEG_OLD", `ffmpeg ${version} is too old`, { hint: "Install ffmpeg 4 or newer." });
  }
  return {
    path,
    version,
    rtspTimeout: number < 5 ? "stimeout" : "timeout",
    passThrough: number < 5.01 ? ["-vsync", "0"] : ["-fps_mode", "passthrough"],
    tellsTimes: number >= 4.04,
    endWithUs: hasSetpriv ? ["setpriv", "--pdeathsig", "KILL", "--"] : [],
  };
}

/** Whether this ffmpeg was built with an encoder; one that is too busy to say so may have it. */
export async function hasEncoder(path: string, encoder: string): Promise<boolean> {
  const text = await outputOf(path, ["-hide_banner", "-h", `encoder=${encoder}`]);
  return text === undefined || text.startsWith(`Encoder ${encoder}`);
}

/** @returns undefined where it cannot be run or does not end well */
function outputOf(path: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(path, args, { stdio: ["ignore", "pipe", "ignore"], timeout: PROBE_WITHIN_MS });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      if (text.length < 4096) text += chunk.toString("utf8");
    });
    child.on("error", () => resolve(undefined));
    child.on("close", (code) => resolve(code === 0 ? text : undefined));
  });
}
