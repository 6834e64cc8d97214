import type { Position, Subject } from "../protocol/ids.ts";
import type { DeviceCommand, DriverContext, PositionReading } from "./driver.ts";
import { DriverError } from "./errors.ts";

/** What a trunking radio hears. `from` is the handset; absent where the network did not say. */
export type RadioEvent =
  | { readonly kind: "text"; readonly from?: Subject; readonly to?: Subject; readonly text: string }
  | { readonly kind: "status"; readonly from?: Subject; readonly to?: Subject; readonly code: number }
  | { readonly kind: "position"; readonly from?: Subject; readonly position: HandsetPosition }
  | { readonly kind: "emergency"; readonly from?: Subject; readonly code?: number; readonly position?: Position }
  /** The radio answered, and how it stands with its network. */
  | { readonly kind: "link"; readonly isRegistered: boolean; readonly signalDbm?: number | null };

/** `ageMs`: how old the fix is, at most, where the report says. */
export type HandsetPosition = Omit<PositionReading, "kind" | "atMs"> & { readonly ageMs?: number };

/** How far a message must be proven: `none` taken by the network, `received` by the handset, `consumed` shown to its user. */
export type ProofLevel = "none" | "received" | "consumed";

export interface RadioText {
  readonly to: string;
  readonly text: string;
  readonly proof?: ProofLevel;
}

export interface RadioStatus {
  readonly to: string;
  readonly code: number;
}

/** What became of a message: the answer to its command. */
export interface RadioProof {
  readonly to: string;
  readonly proof: ProofLevel;
  readonly parts: number;
}

/**
 * A radio of a trunking system (TETRA, PDT, DMR): what it offers inwards, and what it tells outwards. A driver of another
 * system implements this and calls `serveRadio`; commands, emergencies, subjects and readings are then the same for all.
 */
export interface TrunkingRadio {
  /**
   * Serves the radio until the link is lost or the context's signal aborts. `tell` takes one event after another;
   * waiting for it is back-pressure.
   */
  run(tell: (event: RadioEvent) => Promise<void>): Promise<void>;
  /** Resolves with the proof asked for. @throws DriverError why there is none */
  sendText(text: RadioText): Promise<RadioProof>;
  /** Resolves when the network has taken it. @throws DriverError */
  sendStatus(status: RadioStatus): Promise<RadioProof>;
}

export interface RadioSettings {
  /** Pre-coded statuses that are a call for help. */
  readonly emergencyStatusCodes: readonly number[];
  /** Between two measurements of the signal. */
  readonly signalEveryMs: number;
}

const MAX_TEXT_CHARACTERS = 2000;

/** A driver's run: events become readings of their handsets, commands become messages. */
export async function serveRadio(radio: TrunkingRadio, settings: RadioSettings, context: DriverContext): Promise<void> {
  const reporter = new Reporter(settings, context);
  void answerCommands(radio, context.commands);
  await radio.run((event) => reporter.tell(event));
}

class Reporter {
  readonly #settings: RadioSettings;
  readonly #context: DriverContext;
  #signalUpMs = Number.NEGATIVE_INFINITY;

  constructor(settings: RadioSettings, context: DriverContext) {
    this.#settings = settings;
    this.#context = context;
  }

  async tell(event: RadioEvent): Promise<void> {
    const { clock, online, emit } = this.#context;
    const atMs = clock.nowMs();
    if (event.kind === "link") return this.#tellLink(event, atMs);
    const { from } = event;
    if (from !== undefined) online(from);
    switch (event.kind) {
      case "text":
        return emit({ kind: "message", type: "text", text: event.text, ...to(event), atMs }, from);
      case "status": {
        const isCall = this.#settings.emergencyStatusCodes.includes(event.code);
        const type = isCall ? "emergency" : "status";
        return emit({ kind: "message", type, statusCode: event.code, ...to(event), atMs }, from);
      }
      case "position": {
        const { ageMs = 0, ...position } = event.position;
        return emit({ kind: "position", ...position, atMs: Math.max(0, atMs - ageMs) }, from);
      }
      case "emergency": {
        const { code, position } = event;
        const facts = { ...(code !== undefined && { statusCode: code }), ...(position !== undefined && { position }) };
        return emit({ kind: "message", type: "emergency", ...facts, atMs }, from);
      }
    }
  }

  /** A radio without its network hears nobody: it counts as silent, and its health says why. */
  async #tellLink({ isRegistered, signalDbm }: RadioEvent & { kind: "link" }, atMs: number): Promise<void> {
    const { clock, online, fault, emit } = this.#context;
    if (isRegistered) online();
    else fault(notRegistered());
    if (signalDbm === undefined || clock.upMs() - this.#signalUpMs < this.#settings.signalEveryMs) return;
    this.#signalUpMs = clock.upMs();
    await emit({ kind: "measurement", quantity: "radio-signal", unit: "dBm", value: signalDbm, atMs });
  }
}

function to(event: { readonly to?: Subject }): { readonly to?: Subject } {
  return event.to === undefined ? {} : { to: event.to };
}

/** Each command on its own, so that one that waits for its proof does not hold up the next. Never rejects. */
async function answerCommands(radio: TrunkingRadio, commands: AsyncIterable<DeviceCommand>): Promise<void> {
  for await (const command of commands) void answer(radio, command);
}

async function answer(radio: TrunkingRadio, command: DeviceCommand): Promise<void> {
  try {
    const { kind, args } = command;
    if (kind === "text") command.done(await radio.sendText(textOf(args)));
    else if (kind === "status") command.done(await radio.sendStatus(statusOf(args)));
    else throw refusal("COMMAND_UNSUPPORTED", `a radio does no "${kind}"`, "It takes text and status.");
  } catch (error) {
    const isKnown = error instanceof DriverError;
    command.refuse(isKnown ? error : refusal("DRIVER_FAULT", String(error), "Please report it with the log."));
  }
}

function textOf(args: DeviceCommand["args"]): RadioText {
  const { text, proof } = args as { readonly text?: unknown; readonly proof?: unknown };
  if (typeof text !== "string" || text === "" || text.length > MAX_TEXT_CHARACTERS) {
    throw badArguments(`text must be 1 to ${MAX_TEXT_CHARACTERS} characters`);
  }
  if (!text.isWellFormed()) throw badArguments("text holds half a character");
  if (proof === undefined) return { to: addressOf(args), text };
  if (proof !== "none" && proof !== "received" && proof !== "consumed") {
    throw badArguments("proof is one of none, received, consumed");
  }
  return { to: addressOf(args), text, proof };
}

function statusOf(args: DeviceCommand["args"]): RadioStatus {
  const code = args["code"];
  if (typeof code !== "number" || !Number.isInteger(code) || code < 0 || code > 65_535) {
    throw badArguments("code must be a whole number from 0 to 65535");
  }
  return { to: addressOf(args), code };
}

function addressOf(args: DeviceCommand["args"]): string {
  const address = args["to"];
  const id = typeof address === "object" && address !== null && "id" in address ? address.id : address;
  const number = typeof id === "number" ? String(id) : id;
  if (typeof number !== "string" || !/^[0-9]{1,16}$/.test(number)) {
    throw badArguments("to must be the number of a handset or a group");
  }
  return number;
}

function badArguments(message: string): DriverError {
  return refusal("COMMAND_ARGUMENTS", message, 'Example: { "to": "2345678", "text": "…", "proof": "received" }.');
}

function refusal(code: string, message: string, hint: string): DriverError {
  return new DriverError(code, message, { retry: "never", hint });
}

function notRegistered(): DriverError {
  return new DriverError("RADIO_NOT_REGISTERED", "the radio answers, but its network does not know it", {
    retry: "backoff",
    hint: "Check its aerial and the coverage, and that its ISSI is enabled in the network.",
  });
}
