import { AsyncQueue } from "../net/async-queue.ts";
import { type SimulatorListen, serveSimulator } from "../net/simulator-listen.ts";
import { encodeShortReport, SHORT_REPORT_BITS, type SimulatedFix } from "./lip-encode.ts";
import { decodeSds, encodeReport, encodeTextMessages } from "./sds.ts";
import { decodeText } from "./sds-text.ts";

/** Ways in which the simulated radio misbehaves. */
export interface RadioFaults {
  /** Commands answered with +CME ERROR: 42, in a row, after each one that was taken. */
  readonly busyTimes?: number;
  /** Keeps echoing whatever it is told. */
  readonly alwaysEchoes?: boolean;
  /** Unasked lines between a command and its answer. */
  readonly chatters?: boolean;
}

export interface RadioSimulatorOptions {
  readonly listen: SimulatorListen;
  /** The radio's own number. */
  readonly issi: string;
  readonly faults?: RadioFaults;
  /** Handsets of this list take messages and report them; messages to others fail. */
  readonly handsets: readonly string[];
}

/** One message that the radio was asked to send. */
export interface SentMessage {
  readonly to: string;
  readonly bytes: Uint8Array;
  readonly text?: string;
  readonly statusCode?: number;
}

export interface RadioSimulator {
  readonly port?: number;
  readonly sent: readonly SentMessage[];
  /** Commands as they came, without payloads. */
  readonly commands: readonly string[];
  text(from: string, text: string, wants?: "none" | "received" | "consumed"): void;
  status(from: string, code: number): void;
  locate(from: string, fix: SimulatedFix | { readonly reason: number }): void;
  /** Any line, as it is. */
  say(line: string): void;
  setRegistered(isRegistered: boolean): void;
  /** Forgets all that it was told; says so, or not; answers nothing while it starts. */
  restart(options?: { readonly isSilent?: boolean; readonly forMs?: number }): void;
  close(): Promise<void>;
}

const LIP_PROFILE = "1,3,10";
const TEXT_PROFILE = "1,3,130";
const STATUS_PROFILE = "1,2,20";
const MAX_WAITING_LINES = 4096;

/** A TETRA radio on its PEI, and its handsets. It hands over only what the gateway asked it for since it started. */
export async function startRadioSimulator(options: RadioSimulatorOptions): Promise<RadioSimulator> {
  const radio = new SimulatedRadio(options);
  const server = await serveSimulator(options.listen, async (link) => {
    const lines = radio.connect();
    const writing = (async () => {
      for await (const bytes of lines) await link.write(bytes);
    })().catch(() => undefined);
    try {
      for await (const chunk of link) radio.take(chunk);
    } finally {
      radio.disconnect(lines);
      await writing;
    }
  });
  return {
    ...(server.port !== undefined && { port: server.port }),
    sent: radio.sent,
    commands: radio.commands,
    text: (from, text, wants = "none") => radio.text(from, text, wants),
    status: (from, code) => radio.hand(STATUS_PROFILE, 13, from, Uint8Array.of(code >> 8, code & 0xff), 16),
    locate: (from, fix) => radio.hand(LIP_PROFILE, 12, from, encodeShortReport(fix), SHORT_REPORT_BITS),
    say: (line) => radio.say(line),
    setRegistered: (isRegistered) => radio.setRegistered(isRegistered),
    restart: ({ isSilent = false, forMs = 0 } = {}) => radio.restart(isSilent, forMs),
    async close() {
      radio.end();
      await server.close();
    },
  };
}

class SimulatedRadio {
  readonly sent: SentMessage[] = [];
  readonly commands: string[] = [];
  readonly #options: RadioSimulatorOptions;
  readonly #listeners = new Set<AsyncQueue<Uint8Array>>();
  readonly #profiles = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #buffer = "";
  #awaitsPayloadOf: string | undefined;
  #echoes = true;
  #service = 12;
  #registration = 1;
  #busyLeft = 0;
  #reference = 0;
  #isStarting = false;

  constructor(options: RadioSimulatorOptions) {
    this.#options = options;
    this.#busyLeft = options.faults?.busyTimes ?? 0;
  }

  connect(): AsyncQueue<Uint8Array> {
    const lines = new AsyncQueue<Uint8Array>(MAX_WAITING_LINES);
    this.#listeners.add(lines);
    return lines;
  }

  disconnect(lines: AsyncQueue<Uint8Array>): void {
    this.#listeners.delete(lines);
    lines.end();
  }

  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const lines of this.#listeners) lines.end();
  }

  say(line: string): void {
    for (const listener of this.#listeners) listener.push(Buffer.from(`\r\n${line}\r\n`, "latin1"));
  }

  setRegistered(isRegistered: boolean): void {
    this.#registration = isRegistered ? 1 : 0;
    this.say(`+CREG: ${this.#registration},1,4600001`);
  }

  restart(isSilent: boolean, forMs: number): void {
    this.#profiles.clear();
    this.#echoes = true;
    this.#buffer = "";
    this.#awaitsPayloadOf = undefined;
    this.#isStarting = true;
    this.#later(forMs, () => {
      this.#isStarting = false;
      if (!isSilent) this.say("RDY");
    });
  }

  text(from: string, text: string, wants: "none" | "received" | "consumed"): void {
    const parts = encodeTextMessages(text, this.#reference, wants, 1120);
    this.#reference = (this.#reference + parts.length) & 0xff;
    for (const { bytes } of parts) this.hand(TEXT_PROFILE, 12, from, bytes, bytes.length * 8);
  }

  hand(profile: string, service: number, from: string, bytes: Uint8Array, bitCount: number): void {
    if (this.#isStarting || !this.#profiles.has(profile)) return;
    const hex = Buffer.from(bytes).toString("hex").toUpperCase();
    this.say(`+CTSDSR: ${service},${from},0,${this.#options.issi},0,${bitCount}\r\n${hex}`);
  }

  take(chunk: Uint8Array): void {
    if (this.#isStarting) return;
    for (const byte of chunk) {
      const isPayload = this.#awaitsPayloadOf !== undefined;
      if (byte === 0x1a && isPayload) this.say(this.#takePayload());
      else if (byte === 0x1b) this.#buffer = "";
      else if ((byte === 0x0d || byte === 0x0a) && !isPayload) this.#takeCommand();
      else if (byte >= 0x20) this.#buffer = (this.#buffer + String.fromCharCode(byte)).slice(-4096);
    }
  }

  #takeCommand(): void {
    const command = this.#buffer.trim();
    this.#buffer = "";
    if (command === "") return;
    this.commands.push(command);
    if (this.#echoes || this.#options.faults?.alwaysEchoes === true) this.say(command);
    if (this.#options.faults?.chatters === true) this.say("+CTXG: 1,3,1,0,1000001");
    if (command.startsWith("AT+CMGS=")) this.#awaitsPayloadOf = command;
    else this.#answer(command);
  }

  #answer(command: string): void {
    if (this.#isBusy(command)) {
      this.say("+CME ERROR: 42");
      return;
    }
    const { issi } = this.#options;
    if (command === "ATE0") this.#echoes = false;
    const [, profile] = /^AT\+CTSP=(.+)$/.exec(command) ?? [];
    if (profile !== undefined) this.#profiles.add(profile);
    const [, service] = /^AT\+CTSDS=([0-9]+)/.exec(command) ?? [];
    if (service !== undefined) this.#service = Number(service);
    const answers: Readonly<Record<string, string>> = {
      "AT+CREG?": `+CREG: ${this.#registration},1,4600001`,
      "AT+CSQ?": "+CSQ: 22,99",
      "AT+GMI?": "+GMI: SIMULATOR",
      "AT+GMM?": "+GMM: 1",
      "AT+CNUMF?": `+CNUMF: 6,${issi}`,
    };
    const answer = answers[command];
    if (answer !== undefined) this.say(answer);
    const isKnown = answer !== undefined || /^AT(E0|\+CTOM=0|\+CTSP=.+|\+CTSDC=.+|\+CTSDS=.+)?$/.test(command);
    this.say(isKnown ? "OK" : "+CME ERROR: 35");
  }

  /** @returns the radio's answer */
  #takePayload(): string {
    const [, to = "", bits = "0"] = /^AT\+CMGS=([0-9]+),([0-9]+)$/.exec(this.#awaitsPayloadOf ?? "") ?? [];
    const hex = this.#buffer;
    this.#buffer = "";
    this.#awaitsPayloadOf = undefined;
    if (this.#isBusy("AT+CMGS")) return "+CME ERROR: 42";
    const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
    if (to === "" || bytes.length * 8 < Number(bits) || bytes.length === 0) return "+CME ERROR: 35";
    if (this.#registration !== 1) return "+CME ERROR: 30";
    const service = this.#service;
    this.sent.push({ to, bytes, ...contentOf(service, bytes) });
    if (this.#options.handsets.includes(to)) this.#report(to, bytes);
    return `+CMGS: 0,4,${this.sent.length & 0xff}\r\n\r\nOK`;
  }

  /** The handset tells what it was asked to tell. */
  #report(handset: string, bytes: Uint8Array): void {
    const [protocol = 0, flags = 0, reference = 0] = bytes;
    if ((protocol & 0x80) === 0 || flags >> 4 !== 0) return;
    const levels = [
      ...((flags & 0x04) !== 0 ? (["received"] as const) : []),
      ...((flags & 0x08) !== 0 ? (["consumed"] as const) : []),
    ];
    for (const level of levels) {
      this.#later(20, () => this.hand(TEXT_PROFILE, 12, handset, encodeReport(protocol, level, reference), 32));
    }
  }

  #isBusy(command: string): boolean {
    if (this.#busyLeft > 0 && command.startsWith("AT+C")) {
      this.#busyLeft--;
      return true;
    }
    this.#busyLeft = this.#options.faults?.busyTimes ?? 0;
    return false;
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }
}

function contentOf(service: number, bytes: Uint8Array): Pick<SentMessage, "text" | "statusCode"> {
  const content = decodeSds(service, bytes);
  if (content.kind === "text") return { text: decodeText(content.coding, content.bytes) };
  return content.kind === "status" ? { statusCode: content.code } : {};
}
