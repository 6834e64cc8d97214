import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { codeOf } from "../../contracts/gateway-error.ts";
import { redacted } from "./camera-url.ts";
import { type CaptureCommand, LIST_FD, MEDIA_FD, TIMES_FD } from "./capture-command.ts";
import type { Ffmpeg } from "./ffmpeg.ts";

/** How one capture ended. */
export interface CaptureEnd {
  readonly code:
    | "CAMERA_AUTH"
    | "CAMERA_CERTIFICATE"
    | "CAMERA_SILENT"
    | "CAMERA_BEHIND"
    | "CAMERA_UNREACHABLE"
    | "CAMERA_NO_STREAM"
    | "CAMERA_ENDED"
    | "CAMERA_FORMAT"
    | "CAPTURE_STREAM"
    | "FFMPEG_MISSING";
  /** What was seen, without account. */
  readonly message: string;
  /** Where it says more than the code does. */
  readonly hint?: string;
}

export interface CaptureLimits {
  /** From the start to the first bytes: slow cameras answer their SETUP late, and send a whole picture later still. */
  readonly firstBytesMs: number;
  readonly silenceMs: number;
  /** Pictures that come later than this behind their time are of no use; those that wait after them are older still. */
  readonly behindMs: number;
  /** Between SIGTERM, SIGTERM and SIGKILL. */
  readonly patienceMs: number;
}

export const CAPTURE_LIMITS: CaptureLimits = {
  firstBytesMs: 25_000,
  silenceMs: 8000,
  behindMs: 10_000,
  patienceMs: 1500,
};

export interface CaptureSinks {
  /** Each throws for what it cannot read: that ends the capture. */
  pictures(chunk: Uint8Array): void;
  times(chunk: Uint8Array): void;
  media(chunk: Uint8Array): void;
  /** Asked with each chunk: a reason to begin anew. */
  restart?(): CaptureEnd | undefined;
}

const KEPT_WORDS = 4096;
/** Where ffmpeg reports the status of an answer. Such a number stands in addresses and in what decoders say, too. */
const STATUS = /(?:HTTP error|Server returned|method [A-Z_]+ failed:) (\d{3}\b[^\n]*)/g;
/** Who was paused, alone or with the whole box, gives what waits the time to come before calling it silence. */
const LAST_LOOK_MS = 500;

/**
 * One ffmpeg from start to end. It is always drained, so that it never waits for us; it is ended when nothing comes, since
 * by itself it waits for ever on a silent link. Resolves once the process is gone; never rejects.
 * @returns undefined when `signal` ended it
 */
export function runCapture(
  ffmpeg: Ffmpeg,
  command: CaptureCommand,
  sinks: CaptureSinks,
  signal: AbortSignal,
  limits: CaptureLimits = CAPTURE_LIMITS,
): Promise<CaptureEnd | undefined> {
  const { promise, resolve } = Promise.withResolvers<CaptureEnd | undefined>();
  const [program = ffmpeg.path, ...args] = [...ffmpeg.endWithUs, ffmpeg.path, ...command.args];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe"] });
  let end: CaptureEnd | undefined;
  let isEnding = false;
  let words = "";
  let hasMedia = false;
  let killing: NodeJS.Timeout | undefined;
  const stop = (why: CaptureEnd | undefined): void => {
    if (isEnding) return;
    isEnding = true;
    end = why;
    clearTimeout(watchdog);
    killing = endChild(child, limits.patienceMs);
  };
  const silent = (): void => {
    const message = hasMedia
      ? `no bytes for ${limits.silenceMs / 1000} s`
      : `no picture within ${limits.firstBytesMs / 1000} s`;
    stop({ code: "CAMERA_SILENT", message });
  };
  const seemsSilent = (): void => {
    watchdog = setTimeout(silent, LAST_LOOK_MS);
  };
  let watchdog = setTimeout(seemsSilent, limits.firstBytesMs);
  const take = (read: (chunk: Uint8Array) => void) => (chunk: Uint8Array) => {
    if (isEnding) return;
    hasMedia = true;
    clearTimeout(watchdog);
    watchdog = setTimeout(seemsSilent, limits.silenceMs);
    try {
      read(chunk);
    } catch (error) {
      stop({ code: "CAPTURE_STREAM", message: `${codeOf(error)}: ${error instanceof Error ? error.message : ""}` });
      return;
    }
    const reason = sinks.restart?.();
    if (reason !== undefined) stop(reason);
  };
  const onAbort = (): void => stop(undefined);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const pipes = child.stdio as readonly unknown[];
  (pipes[1] as Readable | null)?.on(
    "data",
    take((chunk) => sinks.pictures(chunk)),
  );
  (pipes[MEDIA_FD] as Readable | null)?.on(
    "data",
    take((chunk) => sinks.media(chunk)),
  );
  (pipes[TIMES_FD] as Readable | null)?.on(
    "data",
    take((chunk) => sinks.times(chunk)),
  );
  (pipes[2] as Readable | null)?.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString("utf8")).slice(-KEPT_WORDS);
  });
  const list = pipes[LIST_FD] as Writable | null;
  list?.on("error", () => {});
  list?.end(command.list ?? "");
  child.on("error", (error) => {
    end ??= { code: "FFMPEG_MISSING", message: `${program} cannot be started (${codeOf(error)})` };
    if (child.pid === undefined) finish();
  });
  child.on("close", () => finish());
  const finish = (): void => {
    clearTimeout(watchdog);
    clearTimeout(killing);
    signal.removeEventListener("abort", onAbort);
    if (!isEnding) end ??= whyEnded(words, child.exitCode, hasMedia);
    resolve(end);
  };
  return promise;
}

/** SIGTERM lets it end its files, a second one lets it give up a blocked read, SIGKILL is always heard. */
export function endChild(child: ChildProcess, patienceMs: number): NodeJS.Timeout {
  child.kill("SIGTERM");
  let step = 0;
  return setInterval(() => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    step += 1;
    child.kill(step === 1 ? "SIGTERM" : "SIGKILL");
  }, patienceMs);
}

/** ffmpeg ends with 0 also when a camera drops: only its words tell. */
export function whyEnded(words: string, exitCode: number | null, hasMedia: boolean): CaptureEnd {
  const lines = redacted(words)
    .split("\n")
    .map((line) => line.replace(/^(\[[^\]]*\]\s*)+/, "").trim())
    .filter((line) => line !== "");
  const statuses = [...words.matchAll(STATUS)].map(([, status = ""]) => status).join("\n");
  const said =
    lines.find((line) => line.search(STATUS) >= 0 || /refused|timed out|no route|unreachable/i.test(line)) ??
    lines.at(-1);
  const message = (said ?? `ffmpeg ended (${exitCode ?? "by a signal"}) without a word`).slice(0, 200);
  if (/^40[13]|unauthori[sz]ed|forbidden/im.test(statuses)) return { code: "CAMERA_AUTH", message };
  if (/^404|not found/im.test(statuses) || /does not contain any stream|matches no streams/i.test(words)) {
    return { code: "CAMERA_NO_STREAM", message };
  }
  if (/refused|no route|unreachable|failed to resolve|name or service/i.test(words)) {
    return { code: "CAMERA_UNREACHABLE", message };
  }
  if (/timed out/i.test(words)) return { code: "CAMERA_SILENT", message };
  return {
    code: hasMedia ? "CAMERA_ENDED" : "CAMERA_UNREACHABLE",
    message: hasMedia ? "the camera ended the stream" : message,
  };
}
