import type { Command } from "../../protocol/session.ts";
import type { Journal } from "../contracts/journal.ts";
import { keptList, keptNumber } from "../contracts/kept-json.ts";

const REMEMBER_MS = 7 * 86_400_000;
const ANSWERED_SETTING = "commands.answered";
const BEGUN_SETTING = "commands.begun";
const ISSUED_SETTING = "commands.newest-issued";
/** Done twice they are two acts: a text, a click of a relay. */
const ONCE = new Set<Command["kind"]>(["text", "status", "relay"]);
/** A lease has no effect beyond its own time. */
const SHORT_LIVED = new Set<Command["kind"]>(["live"]);

/** What has to be known of a command to answer it. */
export type Known = Pick<Command, "id" | "kind" | "issuedAtMs" | "expiresAtMs">;

/** What a node remembers of the commands that it obeyed, over its restarts. */
export class CommandMemory {
  readonly #journal: Pick<Journal, "getSetting" | "setSetting">;
  /** Ids that were answered, with when they may be forgotten. */
  readonly #answered: Map<string, number>;
  readonly #begun: Map<string, Known>;
  #newestIssuedMs: number;

  private constructor(
    journal: Pick<Journal, "getSetting" | "setSetting">,
    answered: Map<string, number>,
    begun: Map<string, Known>,
    newestIssuedMs: number,
  ) {
    this.#journal = journal;
    this.#answered = answered;
    this.#begun = begun;
    this.#newestIssuedMs = newestIssuedMs;
  }

  static async open(journal: Pick<Journal, "getSetting" | "setSetting">): Promise<CommandMemory> {
    const [answered, begun, issuedMs] = await Promise.all([
      keptList<[string, number]>(journal, ANSWERED_SETTING),
      keptList<Known>(journal, BEGUN_SETTING),
      keptNumber(journal, ISSUED_SETTING),
    ]);
    return new CommandMemory(journal, new Map(answered), new Map(begun.map((one) => [one.id, one])), issuedMs);
  }

  /** When the newest command that was obeyed was issued, by the bridge's clock: that time has been. 0: none was. */
  get newestIssuedMs(): number {
    return this.#newestIssuedMs;
  }

  isAnswered(id: string): boolean {
    return this.#answered.has(id);
  }

  /** What was begun, must not be done twice, and has no answer. */
  interrupted(): readonly Known[] {
    return [...this.#begun.values()].filter(({ id }) => !this.#answered.has(id));
  }

  /** Before the act: what is not to be done twice is on the disk by then. */
  async begin({ id, kind, issuedAtMs, expiresAtMs }: Known): Promise<void> {
    if (issuedAtMs > this.#newestIssuedMs) {
      this.#newestIssuedMs = issuedAtMs;
      await this.#journal.setSetting(ISSUED_SETTING, String(issuedAtMs));
    }
    if (!ONCE.has(kind)) return;
    this.#begun.set(id, { id, kind, issuedAtMs, expiresAtMs });
    await this.#saveBegun();
  }

  /** After its result was committed. */
  async answered({ id, kind, expiresAtMs }: Known, nowMs: number): Promise<void> {
    for (const [known, forgetAtMs] of this.#answered) if (forgetAtMs < nowMs) this.#answered.delete(known);
    this.#answered.set(id, expiresAtMs + (SHORT_LIVED.has(kind) ? 0 : REMEMBER_MS));
    await this.#journal.setSetting(ANSWERED_SETTING, JSON.stringify([...this.#answered]));
    if (this.#begun.delete(id)) await this.#saveBegun();
  }

  #saveBegun(): Promise<void> {
    return this.#journal.setSetting(BEGUN_SETTING, JSON.stringify([...this.#begun.values()]));
  }
}
