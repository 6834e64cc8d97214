import { GatewayError } from "../../contracts/gateway-error.ts";

const LINE = /^frame:\d+\s+pts:\S+\s+pts_time:(\S+)/;
const LONGEST_LINE = 256;
/** A time is written before its picture: many without one mean that the two pipes are not of one mind. */
const MOST_WAITING = 64;

/**
 * Joins pictures with the media times that come beside them, in the order of both. PPM says no time, and a picture that waited
 * in a pipe is not of now.
 */
export class PictureTimes<Picture> {
  readonly #take: (picture: Picture, mediaMs: number | undefined) => void;
  readonly #times: (number | undefined)[] = [];
  readonly #pictures: Picture[] = [];
  #line = "";

  constructor(take: (picture: Picture, mediaMs: number | undefined) => void) {
    this.#take = take;
  }

  /** @throws GatewayError CAPTURE_STREAM */
  picture(picture: Picture): void {
    this.#pictures.push(picture);
    this.#join();
    if (this.#pictures.length > MOST_WAITING) throw broken("pictures without times");
  }

  /** What ffmpeg's filter `metadata` prints. @throws GatewayError CAPTURE_STREAM */
  push(chunk: Uint8Array): void {
    const lines = (this.#line + Buffer.from(chunk).toString("latin1")).split("\n");
    this.#line = lines.pop() ?? "";
    if (this.#line.length > LONGEST_LINE) throw broken("a time without end");
    for (const line of lines) {
      const [, time] = LINE.exec(line) ?? [];
      if (time === undefined) continue;
      const ms = Number(time) * 1000;
      this.#times.push(Number.isFinite(ms) ? ms : undefined);
    }
    if (this.#times.length > MOST_WAITING) throw broken("times without pictures");
    this.#join();
  }

  #join(): void {
    while (this.#times.length > 0) {
      const picture = this.#pictures.shift();
      if (picture === undefined) return;
      this.#take(picture, this.#times.shift());
    }
  }
}

function broken(what: string): GatewayError {
  return new GatewayError("CAPTURE_STREAM", `ffmpeg wrote what cannot be read: ${what}`, {
    hint: "The capture starts again by itself; if it stays, try another version of ffmpeg.",
  });
}
