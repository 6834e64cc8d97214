import type { KeyObject } from "node:crypto";
import { Compile } from "typebox/compile";
import type { ResultBody } from "../../protocol/bodies.ts";
import { type CommandFault, commandFault } from "../../protocol/command-signature.ts";
import { isShallow } from "../../protocol/json-depth.ts";
import type { NewRecord } from "../../protocol/record.ts";
import { Command } from "../../protocol/session.ts";
import { isTrace } from "../../protocol/trace.ts";
import type { Journal } from "../contracts/journal.ts";
import type { Logger } from "../contracts/logger.ts";
import { CommandMemory, type Known } from "./command-memory.ts";

const MAX_COMMAND_BYTES = 64 * 1024;
const MAX_VALUE_BYTES = 3000;
const MOST_AT_ONCE = 64;
/** What anybody may have sent is answered this often at most, so that nobody can fill the journal with answers. */
const STRANGER_EVERY_MS = 60_000;
/** What a wrong clock could make somebody obey long after it was meant. */
const NEEDS_TRUSTED_CLOCK = new Set<Command["kind"]>(["relay", "config", "update"]);

/** What became of an act. */
export type CommandOutcome =
  | { readonly ok: true; readonly value?: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface CommandsOptions {
  readonly node: string;
  readonly keys: ReadonlyMap<string, KeyObject>;
  readonly journal: Pick<Journal, "getSetting" | "setSetting" | "write">;
  readonly stamp: () => Pick<NewRecord, "upMs" | "atMs" | "timeQuality">;
  readonly log: Logger;
  /** Does it. What throws is a fault of ours and is answered as such; what is `later` by `settle`. */
  readonly act: (command: Command) => Promise<CommandOutcome | "later">;
  /** Of one that is answered later: whether it was begun. */
  readonly isBegun?: (id: string) => boolean;
  /** Called once the result of a `restart` is on the disk. */
  readonly onRestart: () => void;
}

const checkedCommand = Compile(Command);

/**
 * The way in. A command is obeyed only with a good signature of the bridge's key over this node's name, in time and once:
 * its id is remembered until its expiry and seven days, and its one answer is a `result` record. Commands are admitted in
 * their order; an act that takes long holds up no other.
 */
export class Commands {
  readonly #options: CommandsOptions;
  readonly #memory: CommandMemory;
  readonly #doing = new Set<string>();
  readonly #acts = new Set<Promise<void>>();
  #admission: Promise<void> = Promise.resolve();
  #refused = 0;
  #strangerUpMs = Number.NEGATIVE_INFINITY;

  private constructor(options: CommandsOptions, memory: CommandMemory) {
    this.#options = options;
    this.#memory = memory;
  }

  /** Answers what a run before had begun and not answered: nobody knows whether it was done, and it is not done again. */
  static async open(options: CommandsOptions): Promise<Commands> {
    const memory = await CommandMemory.open(options.journal);
    const commands = new Commands(options, memory);
    for (const command of memory.interrupted()) {
      const message = "the node ended while it did this: it may be done or not";
      await commands.#answer(command, { ok: false, code: "COMMAND_INTERRUPTED", message });
    }
    return commands;
  }

  /** Commands that were not ours to obey: forged, unreadable, of an unknown key. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes what came on `down`, from anyone. Resolves when it and all before it are answered. */
  async take(bytes: Uint8Array): Promise<void> {
    this.#admission = this.#admission.then(() => this.#admit(bytes)).catch((error: unknown) => this.#broke(error));
    await this.#admission;
    await Promise.all(this.#acts);
  }

  /** The answer to one whose act said `later`, perhaps in a run before this. */
  async settle(command: Known, outcome: CommandOutcome): Promise<void> {
    if (!this.#memory.isAnswered(command.id)) await this.#answer(command, outcome);
  }

  async #admit(bytes: Uint8Array): Promise<void> {
    const { node, keys, stamp, log } = this.#options;
    const command = readCommand(bytes);
    if (command === undefined) {
      this.#refused += 1;
      log.warn({ code: "COMMAND_UNREADABLE", sizeBytes: bytes.length }, "command ignored");
      return;
    }
    const { id, kind } = command;
    const { atMs, timeQuality } = stamp();
    const isClockTrusted = timeQuality !== "none";
    const reachedMs = isClockTrusted ? atMs : this.#memory.newestIssuedMs;
    const fault = commandFault(command, { node, keys, reachedMs });
    if (fault === "COMMAND_KEY_UNKNOWN" || fault === "COMMAND_SIGNATURE") return this.#stranger(command, fault);
    if (this.#memory.isAnswered(id) || this.#doing.has(id)) {
      log.info({ code: "COMMAND_REPEATED", command: id, kind }, "command came again, it is done once");
      return;
    }
    const refusal = this.#refusal(command, fault, isClockTrusted);
    if (refusal !== undefined) return this.#answer(command, refusal);
    if (kind === "cancel") return this.#cancel(command);
    this.#doing.add(id);
    await this.#memory.begin(command);
    const act = this.#do(command).catch((error: unknown) => this.#broke(error));
    this.#acts.add(act);
    void act.finally(() => {
      this.#acts.delete(act);
      this.#doing.delete(id);
    });
  }

  /** Commands come in their order, so that one which is neither begun nor answered never came: it is not done when it does. */
  async #cancel(command: Command): Promise<void> {
    const target = command.args["command"];
    if (typeof target !== "string") {
      const message = "it does not say which command is taken back";
      return this.#answer(command, { ok: false, code: "COMMAND_ARGUMENTS", message });
    }
    const isBegun = this.#doing.has(target) || this.#options.isBegun?.(target) === true;
    if (this.#memory.isAnswered(target) || isBegun) {
      const message = "that command is begun or answered already";
      return this.#answer(command, { ok: false, code: "COMMAND_TOO_LATE", message });
    }
    const { issuedAtMs, expiresAtMs } = command;
    const message = "it was taken back before it came";
    const taken = { id: target, kind: "cancel", issuedAtMs, expiresAtMs } as const;
    await this.#answer(taken, { ok: false, code: "COMMAND_CANCELLED", message });
    return this.#answer(command, { ok: true });
  }

  async #do(command: Command): Promise<void> {
    let outcome: CommandOutcome | "later";
    try {
      outcome = await this.#options.act(command);
    } catch (error) {
      outcome = { ok: false, code: "COMMAND_FAULT", message: error instanceof Error ? error.message : String(error) };
    }
    if (outcome === "later") return;
    await this.#answer(command, outcome);
    if (command.kind === "restart" && outcome.ok) this.#options.onRestart();
  }

  #refusal({ kind }: Command, fault: CommandFault | undefined, isClockTrusted: boolean): CommandOutcome | undefined {
    if (fault !== undefined) return { ok: false, code: fault, message: REASONS[fault] ?? "it is not to be obeyed" };
    if (!isClockTrusted && NEEDS_TRUSTED_CLOCK.has(kind)) {
      const message = "this node does not know the time, and so not whether it is late";
      return { ok: false, code: "COMMAND_NO_CLOCK", message };
    }
    if (this.#doing.size < MOST_AT_ONCE) return undefined;
    return { ok: false, code: "COMMAND_OVERLOADED", message: `${MOST_AT_ONCE} commands are being done` };
  }

  /** The id may be that of a true command, which must still be obeyed: nothing is remembered. */
  async #stranger({ id, keyId }: Command, code: "COMMAND_KEY_UNKNOWN" | "COMMAND_SIGNATURE"): Promise<void> {
    const { journal, stamp, log } = this.#options;
    this.#refused += 1;
    log.warn({ code, command: id, keyId }, "command ignored");
    const now = stamp();
    if (now.upMs - this.#strangerUpMs < STRANGER_EVERY_MS) return;
    this.#strangerUpMs = now.upMs;
    const message = `${REASONS[code]}; ${this.#refused} such since the start`;
    const body: ResultBody = { commandId: id, ok: false, code, message };
    await journal.write({ append: [{ ...now, kind: "result", body }] }, "urgent");
  }

  async #answer(command: Known & Partial<Pick<Command, "args">>, outcome: CommandOutcome) {
    const { journal, stamp, log } = this.#options;
    const body: ResultBody = {
      commandId: command.id,
      ok: outcome.ok,
      ...(outcome.ok ? answerOf(outcome.value) : { code: outcome.code, message: outcome.message.slice(0, 500) }),
    };
    const now = stamp();
    await journal.write({ append: [{ ...now, kind: "result", body }] }, "urgent");
    await this.#memory.answered(command, now.atMs);
    const { code } = body;
    const trace = command.args?.["trace"];
    const about = { command: command.id, kind: command.kind, ...(isTrace(trace) && { trace }) };
    log.info({ ...about, ok: outcome.ok, ...(code && { code }) }, "command answered");
  }

  #broke(error: unknown): void {
    this.#options.log.error({ code: "COMMAND_FAULT", error: String(error) }, "command could not be answered");
  }
}

const REASONS: Readonly<Record<CommandFault, string>> = {
  COMMAND_KEY_UNKNOWN: "it is signed with a key that this node does not know",
  COMMAND_SIGNATURE: "its signature does not fit its content",
  COMMAND_DOWNGRADED: "it is in a form that says less than this version demands",
  COMMAND_OTHER_NODE: "it names another node",
  COMMAND_EXPIRED: "the command came after its time",
};

function readCommand(bytes: Uint8Array): Command | undefined {
  if (bytes.length > MAX_COMMAND_BYTES || !isShallow(bytes)) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return checkedCommand.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A value that would not fit a lane-0 record is left out, and said so. */
function answerOf(value: unknown): Pick<ResultBody, "value" | "message"> {
  if (value === undefined) return {};
  const sizeBytes = Buffer.byteLength(JSON.stringify(value) ?? "");
  return sizeBytes <= MAX_VALUE_BYTES
    ? { value }
    : { message: `done; its answer of ${sizeBytes} bytes is too large to send` };
}
