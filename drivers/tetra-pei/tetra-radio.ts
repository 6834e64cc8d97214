import type { Position } from "../../protocol/ids.ts";
import type { ByteLink, DriverContext } from "../driver.ts";
import { DriverError } from "../errors.ts";
import type { HandsetPosition, RadioEvent, RadioProof, RadioStatus, RadioText, TrunkingRadio } from "../radio.ts";
import { AtChannel } from "./at-channel.ts";
import { TextJoiner } from "./concatenation.ts";
import type { TetraPeiConfig } from "./config.ts";
import { handset, shortNumber } from "./identity.ts";
import { LIP_EMERGENCY } from "./lip.ts";
import { positionOf } from "./lip-position.ts";
import { LineReader } from "./pei-lines.ts";
import { MessageReader, type PeiItem, type PeiMessage } from "./pei-messages.ts";
import { Proofs } from "./proofs.ts";
import { isRegistered, signalDbm } from "./radio-state.ts";
import { decodeSds, encodeAcknowledgement, encodeReport, encodeTextMessages, type TextPart } from "./sds.ts";

const SDS_SERVICE = "AT+CTSDS=12,0,0,0,1";
const STATUS_SERVICE = "AT+CTSDS=13,0";

/** What the radio shall hand over, most wanted first. @source EN 300 392-5, +CTSP: service profile, layers, protocols */
const PROFILES = ["1,3,10", "1,3,131", "1,3,130", "1,3,138", "1,3,3", "1,2,20", "2,0,0", "1,1,11"];
const INIT = ["ATE0", "AT+CTOM=0", ...PROFILES.map((profile) => `AT+CTSP=${profile}`), "AT+CTSDC=0,0,0,1,1,0,1,1,0,0"];
const IDENTITY = ["AT+GMI?", "AT+GMM?", "AT+CNUMF?"];
const NOISE_PER_FAULT = 20;
const BETWEEN_LOOKS_MS = 500;
/** After these nobody knows whether the radio is registered. */
const MAY_MEAN_ANYTHING: readonly string[] = ["RADIO_TIMEOUT", "RADIO_BUSY", "RADIO_QUEUE_FULL"];

/** A TETRA radio on its peripheral equipment interface. */
export class TetraRadio implements TrunkingRadio {
  readonly #link: ByteLink;
  readonly #config: TetraPeiConfig;
  readonly #context: Pick<DriverContext, "clock" | "signal" | "fault">;
  readonly #channel: AtChannel;
  readonly #proofs: Proofs;
  readonly #joiner: TextJoiner;
  readonly #lines = new LineReader();
  readonly #messages = new MessageReader();
  readonly #over = new AbortController();
  #tell: (event: RadioEvent) => Promise<void> = async () => undefined;
  #isToBegin = true;
  #isEchoUsual = false;
  #begunUpMs = 0;
  #noise = 0;
  #wake = new AbortController();

  constructor(link: ByteLink, config: TetraPeiConfig, context: Pick<DriverContext, "clock" | "signal" | "fault">) {
    const { clock } = context;
    const signal = AbortSignal.any([context.signal, this.#over.signal]);
    const { timeoutMs, busyForMs, partsWithinMs } = config;
    this.#link = link;
    this.#config = config;
    this.#context = { ...context, signal };
    this.#channel = new AtChannel({ link, clock, signal, timeoutMs, busyForMs });
    this.#proofs = new Proofs(clock, signal);
    this.#joiner = new TextJoiner(partsWithinMs);
  }

  async run(tell: (event: RadioEvent) => Promise<void>): Promise<void> {
    this.#tell = tell;
    try {
      await Promise.race([this.#listen(), this.#serve()]);
    } finally {
      this.#over.abort();
    }
  }

  async sendText({ to, text, proof = this.#config.proof }: RadioText): Promise<RadioProof> {
    const number = shortNumber(to);
    const count = encodeTextMessages(text, 0, proof, this.#config.maxMessageBits).length;
    const first = this.#proofs.reserve(number, count);
    const parts = encodeTextMessages(text, first, proof, this.#config.maxMessageBits);
    const expected =
      proof === "none" ? [] : parts.map(({ reference }) => this.#proofs.expect(number, reference, proof));
    try {
      await this.#channel.exclusive(async (ask) => {
        await ask({ command: SDS_SERVICE });
        for (const { bytes } of parts) await ask(message(to, bytes));
      });
      await Promise.all(expected.map((one) => one.proven(this.#config.proofWithinMs)));
    } finally {
      for (const one of expected) one.giveUp();
    }
    return { to, proof, parts: parts.length };
  }

  async sendStatus({ to, code }: RadioStatus): Promise<RadioProof> {
    await this.#send(STATUS_SERVICE, to, Uint8Array.of(code >> 8, code & 0xff));
    return { to, proof: "none", parts: 1 };
  }

  #send(service: string, to: string, bytes: Uint8Array): Promise<void> {
    return this.#channel.exclusive(async (ask) => {
      await ask({ command: service });
      await ask(message(to, bytes));
    });
  }

  // ---- what comes from the radio ----

  async #listen(): Promise<void> {
    for await (const chunk of this.#link) {
      for (const found of this.#lines.push(chunk)) {
        if (typeof found !== "string") this.#context.fault(found.fault);
        else for (const item of this.#messages.take(found)) await this.#takeItem(item);
      }
    }
    if (this.#context.signal.aborted) return;
    throw new DriverError("CONNECTION_LOST", `${this.#link.peer} closed the connection`, {
      retry: "backoff",
      hint: "Serial servers allow few clients at once: is another one connected?",
    });
  }

  async #takeItem(item: PeiItem): Promise<void> {
    if ("fault" in item) return this.#context.fault(item.fault);
    if ("message" in item) return this.#takeMessage(item.message);
    const { line } = item;
    if (this.#channel.take(line)) return;
    const isRestart = this.#config.restartLines.some((beginning) => line.startsWith(beginning));
    if (isRestart) this.#isToBegin = true;
    // Of a registration that changed the radio is asked at once.
    if (isRestart || line.startsWith("+CREG:")) return this.#wake.abort();
    if (line.startsWith("+") || ++this.#noise % NOISE_PER_FAULT !== 0) return;
    this.#context.fault(rubbish(this.#link.peer));
  }

  async #takeMessage(message: PeiMessage): Promise<void> {
    const from = handset(message.from);
    try {
      await this.#takeContent(message, from);
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      this.#context.fault(error, from);
    }
  }

  async #takeContent(message: PeiMessage, from: ReturnType<typeof handset>): Promise<void> {
    const content = decodeSds(message.service, message.bytes, message.bitCount);
    const to = handset(message.to);
    const ends = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
    switch (content.kind) {
      case "status":
        return this.#tell({ kind: "status", ...ends, code: content.code });
      case "lip": {
        const position = positionOf(content.report, this.#context.clock.nowMs());
        const caller = from === undefined ? {} : { from };
        if (position !== undefined) await this.#tell({ kind: "position", ...caller, position });
        if (content.report.reason !== LIP_EMERGENCY) return;
        return this.#tell({
          kind: "emergency",
          ...caller,
          ...(position !== undefined && { position: placeOf(position) }),
        });
      }
      case "delivery":
        if (from !== undefined) this.#proofs.take(from.id, content);
        if (content.acknowledge !== undefined)
          this.#reply(message, encodeAcknowledgement(content.acknowledge, content));
        return;
      case "text":
        return this.#takeText(message, content);
      case "other":
        return;
    }
  }

  async #takeText(message: PeiMessage, content: TextPart): Promise<void> {
    const { report } = content;
    // A part that cannot be read is not reported as received: its sender shall hear of it.
    const texts = this.#joiner.add(`${message.from ?? ""}>${message.to}`, content, this.#context.clock.upMs());
    for (const text of texts) await this.#tellText(text);
    for (const level of report?.wants ?? []) {
      if (report !== undefined) this.#reply(message, encodeReport(report.protocol, level, report.reference));
    }
  }

  async #tellText({ key, text, fault }: ReturnType<TextJoiner["add"]>[number]): Promise<void> {
    const [from, to] = key.split(">").map((identity) => handset(identity));
    if (fault !== undefined) this.#context.fault(fault, from);
    await this.#tell({ kind: "text", ...(from !== undefined && { from }), ...(to !== undefined && { to }), text });
  }

  /** Answers a handset without making it wait for the radio's queue. */
  #reply({ from }: PeiMessage, bytes: Uint8Array): void {
    if (from === undefined) return;
    this.#send(SDS_SERVICE, shortNumber(from), bytes).catch((error: unknown) => {
      if (error instanceof DriverError) this.#context.fault(error, handset(from));
    });
  }

  // ---- what goes to the radio ----

  async #serve(): Promise<never> {
    const { clock, signal } = this.#context;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const isDue = clock.upMs() - this.#begunUpMs >= this.#config.renewMs;
      if (this.#isToBegin || isDue) await this.#begin();
      await this.#look();
      if (this.#channel.takeEchoes() > 0 && !this.#isEchoUsual) this.#isToBegin = true;
      for (const text of this.#joiner.due(clock.upMs())) await this.#tellText(text);
      await clock.sleep(BETWEEN_LOOKS_MS, signal);
      const restMs = this.#config.periodMs - BETWEEN_LOOKS_MS;
      if (!this.#isToBegin) await clock.sleep(restMs, AbortSignal.any([signal, this.#wake.signal]));
    }
    throw new DriverError("DRIVER_ASKED_TO_END", "the gateway asked the driver to end", {
      retry: "backoff",
      hint: "Nothing.",
    });
  }

  /** A radio that refuses one of these may still do the rest; which one is said. */
  async #begin(): Promise<void> {
    const isFirst = this.#isToBegin;
    this.#isToBegin = false;
    this.#begunUpMs = this.#context.clock.upMs();
    for (const command of isFirst ? [...INIT, ...IDENTITY] : INIT.slice(1)) {
      const answer = await this.#answer(command);
      if (answer instanceof DriverError && !IDENTITY.includes(command)) {
        this.#context.fault(refusedSetup(command, answer));
      }
      // Until here the radio may have echoed; from now on an echo says that it has forgotten what it was told.
      if (command === "ATE0") this.#channel.takeEchoes();
    }
    if (isFirst) this.#isEchoUsual = this.#channel.takeEchoes() > INIT.length / 2;
  }

  async #look(): Promise<void> {
    const registration = await this.#answer("AT+CREG?");
    const signal = await this.#answer("AT+CSQ?");
    if (registration instanceof DriverError && MAY_MEAN_ANYTHING.includes(registration.code)) return;
    const strength = signal instanceof DriverError ? undefined : signalDbm(signal);
    await this.#tell({
      kind: "link",
      // A radio that does not know the question is taken at its answers.
      isRegistered: registration instanceof DriverError || isRegistered(registration),
      ...(strength !== undefined && { signalDbm: strength }),
    });
  }

  /** @returns what the radio answered, or why it did not; after a silence it is told everything again */
  async #answer(command: string): Promise<readonly string[] | DriverError> {
    try {
      return await this.#channel.ask({ command });
    } catch (error) {
      if (!(error instanceof DriverError) || !error.code.startsWith("RADIO_")) throw error;
      if (error.code === "RADIO_NO_ANSWER") throw error;
      if (error.code === "RADIO_TIMEOUT") this.#isToBegin = true;
      return error;
    }
  }
}

function message(to: string, bytes: Uint8Array) {
  return { command: `AT+CMGS=${to},${bytes.length * 8}`, payload: Buffer.from(bytes).toString("hex").toUpperCase() };
}

function placeOf({ latitudeDeg, longitudeDeg, accuracyM }: HandsetPosition): Position {
  return { latitudeDeg, longitudeDeg, ...(accuracyM !== undefined && { accuracyM }) };
}

function refusedSetup(command: string, cause: DriverError): DriverError {
  return new DriverError("RADIO_SETUP_REFUSED", `the radio refused ${command}: ${cause.message}`, {
    retry: "backoff",
    hint: "It may not hand over every kind of message: compare its PEI settings with the driver's README.",
    cause,
  });
}

function rubbish(peer: string): DriverError {
  return new DriverError("PEI_RUBBISH", `${peer} sends lines that are no PEI`, {
    retry: "backoff",
    hint: "Check the baud rate: 115200 and 9600 are usual.",
  });
}
