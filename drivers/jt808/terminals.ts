import { createHash } from "node:crypto";
import type { Subject } from "../../protocol/ids.ts";
import type { Jt808Config } from "./config.ts";
import type { Frame, FrameHeader } from "./frame.ts";
import { TerminalState } from "./terminal-state.ts";

const SHORTEST_ID = 12;
/** Terminals that were heard once; of more, those that are away longest are forgotten. */
const MOST_KNOWN = 20_000;

/** A connection that speaks for a terminal. */
export interface TerminalLink {
  readonly peer: string;
  send(frame: Omit<Frame, "isEncrypted">): Promise<void>;
  close(): Promise<void>;
}

/** One vehicle terminal, over all its connections. */
export interface Terminal {
  readonly subject: Subject;
  readonly state: TerminalState;
  /** The newest header, which says how to write to it. */
  header: Pick<FrameHeader, "edition" | "phone">;
  link: TerminalLink | undefined;
  nextSerial: number;
  /** By the serial of our message: who waits for the terminal's answer. */
  readonly unanswered: Map<number, (result: number) => void>;
}

/** @returns 12 digits, or more where the number is longer: the same in both editions of the standard */
export function terminalId(phone: string): string {
  return phone.replace(/^0+/, "").padStart(SHORTEST_ID, "0");
}

/**
 * The code that a terminal gets when it registers and shows when it authenticates. Made of its number, so that it holds
 * over restarts. It is no secret: it travels in the clear.
 */
export function authenticationCode(id: string): string {
  return createHash("sha256").update(`jt808 ${id}`).digest("hex").slice(0, 16);
}

/** All terminals of one server. */
export class Terminals {
  readonly #known = new Map<string, Terminal>();
  readonly #listed: ReadonlySet<string>;
  readonly #acceptUnknown: boolean;

  constructor({ terminals, acceptUnknown }: Pick<Jt808Config, "terminals" | "acceptUnknown">) {
    this.#listed = new Set(Object.keys(terminals).map(terminalId));
    this.#acceptUnknown = acceptUnknown;
  }

  isAllowed(id: string): boolean {
    return this.#acceptUnknown || this.#listed.has(id);
  }

  find(id: string): Terminal | undefined {
    return this.#known.get(id);
  }

  /** @returns the terminal, now or as it was known */
  of(id: string, header: Terminal["header"]): Terminal {
    const known = this.#known.get(id);
    if (known !== undefined) {
      known.header = { edition: header.edition, phone: header.phone };
      return known;
    }
    if (this.#known.size >= MOST_KNOWN) this.#forgetOne();
    const terminal: Terminal = {
      subject: { type: "terminal", id },
      state: new TerminalState(),
      header: { edition: header.edition, phone: header.phone },
      link: undefined,
      nextSerial: 0,
      unanswered: new Map(),
    };
    this.#known.set(id, terminal);
    return terminal;
  }

  #forgetOne(): void {
    for (const [id, { link }] of this.#known) {
      if (link !== undefined) continue;
      this.#known.delete(id);
      return;
    }
  }
}
