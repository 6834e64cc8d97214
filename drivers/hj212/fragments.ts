import { DriverError } from "../errors.ts";
import type { Field, Message } from "./segment.ts";

const MAX_PACKETS = 64;
const MAX_OPEN = 4;
const MAX_FIELDS = 4000;

interface Open {
  readonly first: Message;
  readonly parts: Map<number, readonly Field[]>;
  readonly sinceUpMs: number;
}

/** Puts the packets of one message together. Bounded in packets, in values, in messages that are open, and in time. */
export class Fragments {
  readonly #timeoutMs: number;
  readonly #open = new Map<string, Open>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @returns the whole message once its last packet is there; undefined before
   * @throws DriverError HJ212_FRAGMENT
   */
  add(message: Message, upMs: number): Message | undefined {
    const { packet } = message;
    if (packet === undefined) return message;
    if (packet.count > MAX_PACKETS) throw fault(`a message of ${packet.count} packets`);
    const key = `${message.mn} ${message.command} ${message.qn ?? ""} ${packet.count}`;
    let open = this.#open.get(key);
    if (open === undefined) {
      if (this.#open.size >= MAX_OPEN) throw fault(`more than ${MAX_OPEN} messages are in pieces at once`);
      open = { first: message, parts: new Map(), sinceUpMs: upMs };
      this.#open.set(key, open);
    }
    open.parts.set(packet.index, message.fields);
    if (open.parts.size < packet.count) return undefined;
    this.#open.delete(key);
    const fields = [...open.parts.keys()].sort((a, b) => a - b).flatMap((index) => open.parts.get(index) ?? []);
    if (fields.length > MAX_FIELDS) throw fault(`${fields.length} values in one message`);
    const { packet: _, ...whole } = message;
    return { ...whole, fields: withoutRepeatedTime(fields), isBackfill: message.isBackfill || open.first.isBackfill };
  }

  /** Messages whose packets did not all come in time, dropped. */
  expire(upMs: number): readonly { readonly mn: string; readonly fault: DriverError }[] {
    const found: { readonly mn: string; readonly fault: DriverError }[] = [];
    for (const [key, { first, parts, sinceUpMs }] of this.#open) {
      if (upMs - sinceUpMs < this.#timeoutMs) continue;
      this.#open.delete(key);
      const came = `${parts.size} of ${first.packet?.count} packets of command ${first.command} came`;
      const within = Number.isFinite(this.#timeoutMs) ? ` within ${this.#timeoutMs / 1000} s` : "";
      found.push({ mn: first.mn, fault: fault(`${came}${within}`) });
    }
    return found;
  }
}

/** Each packet may say the time of the message again. */
function withoutRepeatedTime(fields: readonly Field[]): readonly Field[] {
  const time = fields.find(({ name }) => name === "DataTime");
  return fields.filter((field) => field === time || field.name !== "DataTime" || field.value !== time?.value);
}

function fault(seen: string): DriverError {
  return new DriverError("HJ212_FRAGMENT", seen, {
    retry: "backoff",
    hint: "Nothing of that message is used. The station sends its packets with too long pauses, or loses some.",
  });
}
