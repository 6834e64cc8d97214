import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import type { Logger } from "../../contracts/logger.ts";
import type { Camera } from "../capture/camera.ts";
import type { Fragment } from "../capture/fragment-reader.ts";
import type { MediaHeader } from "../capture/media-header.ts";

type Mpeg1Muxer = EventEmitter & { readonly stream: ChildProcessWithoutNullStreams };
type Mpeg1MuxerClass = new (options: {
  readonly url: string;
  readonly ffmpegPath: string;
  readonly ffmpegOptions: Readonly<Record<string, string | number>>;
}) => Mpeg1Muxer;

/** What waits for ffmpeg beyond this is dropped up to the next whole picture. */
const MOST_WAITING_BYTES = 2 * 1024 * 1024;
const PATIENCE_MS = 1500;
const OPTIONS = {
  ...{ "-loglevel": "error", "-nostats": "", "-an": "", "-threads": 1, "-bf": 0, "-b:v": "1200k", "-g": 25 },
  // MPEG-1 knows few rates, and no browser's script decodes more than this on a phone.
  ...{ "-r": 25, "-vf": "scale='min(640,iw)':-2", "-muxdelay": "0.001", "-flush_packets": 1 },
};

/**
 * The video of one camera as MPEG-1, made by node-rtsp-stream's muxer from what the one capture copies: no second
 * connection to the camera. It runs while somebody watches, and its pipe from us ends it should we die.
 */
export class Mpeg1Feed {
  readonly #camera: Camera;
  readonly #ffmpegPath: string;
  readonly #log: Logger;
  readonly #takers = new Set<(bytes: Uint8Array) => void>();
  #deaf: (() => void) | undefined;
  #header: MediaHeader | undefined;
  #muxer: Mpeg1Muxer | undefined;
  #isBroken = true;

  constructor(camera: Camera, ffmpegPath: string, log: Logger) {
    this.#camera = camera;
    this.#ffmpegPath = ffmpegPath;
    this.#log = log;
  }

  get viewers(): number {
    return this.#takers.size;
  }

  watch(take: (bytes: Uint8Array) => void): () => void {
    this.#takers.add(take);
    this.#deaf ??= this.#camera.onMedia((fragment, header) => this.#heard(fragment, header));
    return () => {
      if (!this.#takers.delete(take) || this.#takers.size > 0) return;
      this.#deaf?.();
      this.#deaf = undefined;
      this.#end();
    };
  }

  #heard(fragment: Fragment, header: MediaHeader): void {
    if (header !== this.#header || this.#muxer === undefined) {
      if (!fragment.isKey) return;
      this.#end();
      this.#begin(header);
    }
    const stdin = this.#muxer?.stream.stdin;
    if (stdin === undefined || stdin.destroyed) return;
    if (stdin.writableLength > MOST_WAITING_BYTES) this.#isBroken = true;
    if (this.#isBroken && (!fragment.isKey || stdin.writableLength > MOST_WAITING_BYTES)) return;
    this.#isBroken = false;
    stdin.write(fragment.bytes);
  }

  #begin(header: MediaHeader): void {
    this.#header = header;
    this.#isBroken = true;
    // Its index would start a server of its own that is open to everyone; this file alone does not.
    const Muxer = createRequire(import.meta.url)("node-rtsp-stream/mpeg1muxer.js") as Mpeg1MuxerClass;
    const muxer = new Muxer({ url: "pipe:0", ffmpegPath: this.#ffmpegPath, ffmpegOptions: OPTIONS });
    const { stream } = muxer;
    const gone = (error?: unknown): void => {
      if (this.#muxer !== muxer) return;
      this.#muxer = undefined;
      this.#log.warn(
        { camera: this.#camera.settings.id, error: String(error ?? "") },
        "live coding ended, begins anew",
      );
    };
    stream.on("error", gone).on("exit", () => gone());
    stream.stdin.on("error", () => {});
    muxer.on("mpeg1data", (bytes: Uint8Array) => {
      if (this.#muxer === muxer) for (const take of this.#takers) take(bytes);
    });
    stream.stdin.write(header.bytes);
    this.#muxer = muxer;
  }

  #end(): void {
    const stream = this.#muxer?.stream;
    this.#muxer = undefined;
    if (stream === undefined || stream.exitCode !== null) return;
    stream.stdin.destroy();
    stream.kill("SIGTERM");
    const killing = setTimeout(() => stream.kill("SIGKILL"), PATIENCE_MS);
    stream.once("exit", () => clearTimeout(killing));
  }
}
