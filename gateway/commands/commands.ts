import type { KeyObject } from "node:crypto";
import { Compile } from "typebox/compile";
import type { ResultBody } from "../../protocol/bodies.ts";
import { commandFault } from "../../protocol/command-signature.ts";
import { isShallow } from "../../protocol/json-depth.ts";
import type { NewRecord } from "../../protocol/record.ts";
import { Command } from "../../protocol/session.ts";
import type { Journal } from "../contracts/journal.ts";
import type { Logger } from "../contracts/logger.ts";

const MAX_COMMAND_BYTES = 64 * 1024;
const MAX_VALUE_BYTES = 3000;
const REMEMBER_MS = 7 * 86_400_000;
const ANSWERED_SETTING = "commands.answered";
/** What a wrong clock could make somebody obey long after it was meant. */
const NEEDS_TRUSTED_CLOCK = new Set<Command["kind"]>(["relay", "config"]);

/** What became of an act. */
export type CommandOutcome =
  | { readonly ok: true; readonly value?: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface CommandsOptions {
  readonly keys: ReadonlyMap<string, KeyObject>;
  readonly journal: Pick<Journal, "getSetting" | "setSetting" | "write">;
  readonly stamp: () => Pick<NewRecord, "upMs" | "atMs" | "timeQuality">;
  readonly log: Logger;
  /** Does it. What throws is a fault of ours and is answered as such. */
  readonly act: (command: Command) => Promise<CommandOutcome>;
  /** Called once the result of a `restart` is on the disk. */
  readonly onRestart: () => void;
}

const checkedCommand = Compile(Command);

/**
 * The way in. A command is obeyed only with a good signature of the bridge's key, in time and once: its id is remembered
 * until its expiry and seven days, and its one answer is a `result` record.
 */
export class Commands {
  readonly #options: CommandsOptions;
  /** Ids that were answered, with when they may be forgotten. */
  readonly #answered: Map<string, number>;
  #queue: Promise<void> = Promise.resolve();
  #refused = 0;

  private constructor(options: CommandsOptions, answered: Map<string, number>) {
    this.#options = options;
    this.#answered = answered;
  }

  static async open(options: CommandsOptions): Promise<Commands> {
    const text = await options.journal.getSetting(ANSWERED_SETTING);
    const answered = new Map<string, number>(text === undefined ? [] : (JSON.parse(text) as [string, number][]));
    return new Commands(options, answered);
  }

  /** Commands that were not ours to obey: forged, unreadable, of an unknown key. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes what came on `down`, from anyone. One after the other. */
  take(bytes: Uint8Array): Promise<void> {
    this.#queue = this.#queue
      .then(() => this.#one(bytes))
      .catch((error: unknown) => {
        this.#options.log.error({ code: "COMMAND_FAULT", error: String(error) }, "command could not be answered");
      });
    return this.#queue;
  }

  async #one(bytes: Uint8Array): Promise<void> {
    const { keys, stamp, log } = this.#options;
    const command = readCommand(bytes);
    if (command === undefined) {
      this.#refused += 1;
      log.warn({ code: "COMMAND_UNREADABLE", sizeBytes: bytes.length }, "command ignored");
      return;
    }
    const { id, kind } = command;
    if (this.#answered.has(id)) {
      log.debug({ command: id, kind }, "command was answered before");
      return;
    }
    const { atMs, timeQuality } = stamp();
    const isClockTrusted = timeQuality !== "none";
    const fault = commandFault(command, keys, isClockTrusted ? atMs : undefined);
    if (fault === "COMMAND_KEY_UNKNOWN" || fault === "COMMAND_SIGNATURE") {
      this.#refused += 1;
      log.warn({ code: fault, command: id, keyId: command.keyId }, "command ignored");
      return;
    }
    const outcome = await this.#outcome(command, fault, isClockTrusted);
    await this.#answer(command, outcome, atMs);
    log.info({ command: id, kind, ok: outcome.ok }, "command answered");
    if (kind === "restart" && outcome.ok) this.#options.onRestart();
  }

  async #outcome(command: Command, fault: string | undefined, isClockTrusted: boolean): Promise<CommandOutcome> {
    if (fault !== undefined) return { ok: false, code: fault, message: "the command came after its time" };
    if (!isClockTrusted && NEEDS_TRUSTED_CLOCK.has(command.kind)) {
      return {
        ok: false,
        code: "COMMAND_NO_CLOCK",
        message: "this node does not know the time, and so not whether it is late",
      };
    }
    try {
      return await this.#options.act(command);
    } catch (error) {
      return { ok: false, code: "COMMAND_FAULT", message: error instanceof Error ? error.message : String(error) };
    }
  }

  async #answer(command: Command, outcome: CommandOutcome, nowMs: number): Promise<void> {
    const { journal, stamp } = this.#options;
    const body: ResultBody = {
      commandId: command.id,
      ok: outcome.ok,
      ...(outcome.ok ? answerOf(outcome.value) : { code: outcome.code, message: outcome.message.slice(0, 500) }),
    };
    await journal.write({ append: [{ ...stamp(), kind: "result", body }] }, "urgent");
    for (const [id, forgetAtMs] of this.#answered) if (forgetAtMs < nowMs) this.#answered.delete(id);
    this.#answered.set(command.id, command.expiresAtMs + REMEMBER_MS);
    await journal.setSetting(ANSWERED_SETTING, JSON.stringify([...this.#answered]));
  }
}

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
