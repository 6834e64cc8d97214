import { headerBody, type LiveMessage, type LiveNoneCode, type LiveVideoKind } from "../../../protocol/live-video.ts";
import type { Camera } from "../capture/camera.ts";
import type { Fragment } from "../capture/fragment-reader.ts";
import type { MediaHeader } from "../capture/media-header.ts";
import { type CoderSink, H264Coder, type H264CoderOptions } from "./h264-coder.ts";

export type LiveTaker = (message: LiveMessage) => void;

const AAC_LC = "mp4a.40.2";

/**
 * The video of one camera for those who look now: the fragments of its one capture, copied, under one count; where they
 * are no H.264 and it may code, coded anew. It listens to the camera only while somebody does to it.
 */
export class LiveFeed {
  readonly #camera: Camera;
  readonly #nowMs: () => number;
  readonly #coder: H264Coder | undefined;
  readonly #takers = new Set<LiveTaker>();
  #deaf: (() => void) | undefined;
  #header: MediaHeader | undefined;
  /** Why it could not be coded. */
  #refusal: LiveNoneCode | undefined;
  #seq = 0;

  /** @param coding absent: another codec than H.264 is not shown */
  constructor(camera: Camera, nowMs: () => number, coding?: Omit<H264CoderOptions, "cameraId">) {
    this.#camera = camera;
    this.#nowMs = nowMs;
    const sink: CoderSink = {
      media: (fragment, header) => this.#show(fragment, header),
      none: (code) => {
        this.#refusal = code;
        this.#tell(this.#none(code));
      },
    };
    this.#coder = coding && new H264Coder({ ...coding, cameraId: camera.settings.id }, sink);
  }

  get viewers(): number {
    return this.#takers.size;
  }

  watch(take: LiveTaker): () => void {
    this.#takers.add(take);
    if (this.#deaf === undefined) {
      this.#refusal = undefined;
      this.#header = this.#camera.state === "live" ? this.#camera.header : undefined;
      this.#deaf = this.#camera.onMedia((fragment, header) => this.#heard(fragment, header));
    }
    const opening = this.#opening();
    if (opening !== undefined) take(opening);
    return () => {
      if (!this.#takers.delete(take) || this.#takers.size > 0) return;
      this.#deaf?.();
      this.#deaf = undefined;
      this.#coder?.end();
    };
  }

  #heard(fragment: Fragment, header: MediaHeader): void {
    if (this.#isToCode(header)) this.#coder?.take(fragment, header);
    else this.#show(fragment, header);
  }

  #isToCode(header: MediaHeader): boolean {
    return this.#coder !== undefined && codecsOf(header) === undefined;
  }

  #show(fragment: Fragment, header: MediaHeader): void {
    if (header !== this.#header) {
      this.#header = header;
      this.#refusal = undefined;
      const opening = this.#opening();
      if (opening !== undefined) this.#tell(opening);
    }
    if (codecsOf(header) === undefined) return;
    this.#tell(this.#message("fragment", fragment.bytes, fragment.isKey));
  }

  /** @returns undefined while it is about to be coded */
  #opening(): LiveMessage | undefined {
    if (this.#refusal !== undefined) return this.#none(this.#refusal);
    if (this.#header === undefined) return this.#none("LIVE_AWAY");
    if (this.#isToCode(this.#header)) return undefined;
    const codecs = codecsOf(this.#header);
    if (codecs === undefined) return this.#none("LIVE_CODEC");
    return this.#message("header", headerBody(codecs, this.#header.bytes), true);
  }

  #none(code: LiveNoneCode): LiveMessage {
    return this.#message("none", Buffer.from(JSON.stringify({ code })), true);
  }

  #message(kind: LiveVideoKind, body: Uint8Array, isKey: boolean): LiveMessage {
    // What one viewer alone is told takes no number from the others.
    if (kind === "fragment") this.#seq += 1;
    return { kind, seq: kind === "fragment" ? this.#seq : this.#seq + 1, atMs: this.#nowMs(), isKey, body };
  }

  #tell(message: LiveMessage): void {
    for (const take of this.#takers) take(message);
  }
}

/**
 * What a browser is asked whether it plays. H.264 alone: hardly any plays H.265 for sure.
 * @source RFC 6381 §3.3, ISO/IEC 14496-15 (avcC): profile, constraints and level are bytes 1 to 3 of the parameter set
 */
export function codecsOf({ codec, parameterSet, hasSound }: MediaHeader): string | undefined {
  if (codec !== "h264" || parameterSet === undefined || parameterSet.length < 4) return undefined;
  const profile = Buffer.from(parameterSet.subarray(1, 4)).toString("hex");
  return `avc1.${profile}${hasSound ? `, ${AAC_LC}` : ""}`;
}
