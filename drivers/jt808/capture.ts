import type { CaptureFormat, DecodedItem, FrameDecoder } from "../decoder.ts";
import { DriverError } from "../errors.ts";
import { Fragments } from "./fragments.ts";
import type { Frame, FrameOrFault } from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";
import { decodeLocation, type Location } from "./location.ts";
import { decodeBatch, MESSAGE } from "./messages.ts";
import { TerminalState } from "./terminal-state.ts";
import { terminalId } from "./terminals.ts";

const MOST_TERMINALS = 20_000;

/** Reads captured JT/T 808 of many terminals, of any date: times are the terminals' own. */
export class Jt808Capture implements FrameDecoder {
  readonly #reader = new FrameReader();
  readonly #states = new Map<string, TerminalState>();
  readonly #lost: DecodedItem[] = [];
  readonly #fragments = new Fragments((fault) => this.#lost.push({ fault }));

  frame(bytes: Uint8Array): readonly DecodedItem[] {
    const alone = new FrameReader();
    return [...alone.push(bytes), ...alone.end()].flatMap((found) => this.#take(found));
  }

  push(bytes: Uint8Array): readonly DecodedItem[] {
    return this.#reader.push(bytes).flatMap((found) => this.#take(found));
  }

  end(): readonly DecodedItem[] {
    const items = this.#reader.end().flatMap((found) => this.#take(found));
    this.#fragments.forget(Number.POSITIVE_INFINITY);
    return [...items, ...this.#lost.splice(0)];
  }

  #take(found: FrameOrFault): DecodedItem[] {
    if ("fault" in found) return [{ fault: found.fault }];
    try {
      const whole = this.#fragments.take(found.frame, 0);
      return [...this.#lost.splice(0), ...(whole === undefined ? [] : this.#items(whole))];
    } catch (error) {
      if (error instanceof DriverError) return [{ fault: error }];
      throw error;
    }
  }

  #items({ messageId, phone, body, isEncrypted }: Frame): DecodedItem[] {
    if (isEncrypted) return [];
    const id = terminalId(phone);
    switch (messageId) {
      case MESSAGE.location:
        return this.#report(id, decodeLocation(body));
      case MESSAGE.locationAnswer:
        return this.#report(id, decodeLocation(body.subarray(2)));
      case MESSAGE.batch:
        return decodeBatch(body).items.flatMap((item) => ("fault" in item ? [item] : this.#report(id, item.location)));
      default:
        return [];
    }
  }

  #report(id: string, location: Location): DecodedItem[] {
    if (!this.#states.has(id) && this.#states.size >= MOST_TERMINALS) this.#states.clear();
    const state = this.#states.get(id) ?? new TerminalState();
    this.#states.set(id, state);
    const atMs = location.terminalAtMs;
    const subject = { type: "terminal", id };
    const readings = state.take(location, atMs);
    return [
      ...location.faults.map((fault) => ({ fault })),
      ...readings.map((reading) => ({ reading: { ...reading, ...(atMs !== undefined && { atMs }), subject } })),
    ];
  }
}

export const jt808Capture: CaptureFormat = { decoder: () => new Jt808Capture() };
