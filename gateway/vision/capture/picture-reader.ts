import { GatewayError } from "../../contracts/gateway-error.ts";

const LONGEST_HEADER = 32;
const MAX_PIXELS = 3840 * 2160;

export interface PictureSink {
  /** A buffer of that size to fill. */
  buffer(sizeBytes: number): Uint8Array;
  picture(width: number, height: number, rgb: Uint8Array): void;
}

/** Pictures out of a stream of binary PPM, as ffmpeg writes it; each says its own size. @source netpbm, ppm(5) */
export class PictureReader {
  readonly #sink: PictureSink;
  #header = "";
  #width = 0;
  #height = 0;
  #body: Uint8Array | undefined;
  #filled = 0;

  constructor(sink: PictureSink) {
    this.#sink = sink;
  }

  /** @throws GatewayError CAPTURE_STREAM for what is no PPM */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) at = this.#body === undefined ? this.#readHeader(chunk, at) : this.#readBody(chunk, at);
  }

  #readHeader(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      this.#header += String.fromCharCode(chunk[at] ?? 0);
      const match = /^P6\n(\d+) (\d+)\n255\n$/.exec(this.#header);
      if (match !== null) {
        this.#begin(Number(match[1]), Number(match[2]));
        return at + 1;
      }
      if (this.#header.length >= LONGEST_HEADER) throw broken("no picture begins where one should");
    }
    return chunk.length;
  }

  #begin(width: number, height: number): void {
    if (width * height === 0 || width * height > MAX_PIXELS) throw broken(`a picture of ${width} × ${height}`);
    this.#width = width;
    this.#height = height;
    this.#body = this.#sink.buffer(width * height * 3);
    this.#filled = 0;
    this.#header = "";
  }

  #readBody(chunk: Uint8Array, from: number): number {
    const body = this.#body ?? new Uint8Array();
    const end = Math.min(chunk.length, from + body.length - this.#filled);
    body.set(chunk.subarray(from, end), this.#filled);
    this.#filled += end - from;
    if (this.#filled === body.length) {
      this.#body = undefined;
      this.#sink.picture(this.#width, this.#height, body);
    }
    return end;
  }
}

function broken(what: string): GatewayError {
  return new GatewayError("CAPTURE_STREAM", `ffmpeg wrote what cannot be read: ${what}`, {
    hint: "The capture starts again by itself; if it stays, try another version of ffmpeg.",
  });
}
