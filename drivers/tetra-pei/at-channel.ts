import type { ByteLink, Clock } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { cmeError } from "./cme-error.ts";

const FIRST_BUSY_PAUSE_MS = 500;
const LAST_BUSY_PAUSE_MS = 4000;
const MAX_WAITING = 64;
/** After a command without an answer: so much quiet before the next one, and so many tries to be understood again. */
const SETTLE_MS = 1000;
const RESYNC_TRIES = 3;

export interface AtRequest {
  /** Without its line end. */
  readonly command: string;
  /** Hex that follows the command and ends with Ctrl-Z. */
  readonly payload?: string;
}

export interface AtChannelOptions {
  readonly link: Pick<ByteLink, "write" | "peer">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** How long a busy radio is asked again before its command is given up. */
  readonly busyForMs: number;
}

interface Active {
  readonly request: AtRequest;
  readonly lines: string[];
  settle(outcome: readonly string[] | DriverError): void;
}

/** Sends AT commands, one at a time. Runs several as one with `exclusive`. */
export type Ask = (request: AtRequest) => Promise<readonly string[]>;

/**
 * The way to a radio: one command at a time, in the order asked. A busy radio is asked again, and nobody overtakes. After
 * a command that was not answered nothing is sent until the radio has been quiet and understood a probe, so that a late
 * answer is never taken for another's.
 */
export class AtChannel {
  readonly #options: AtChannelOptions;
  #active: Active | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isOutOfStep = false;
  #lastResultUpMs = Number.NEGATIVE_INFINITY;
  /** The radio repeats what it is sent. */
  #echoes = 0;

  constructor(options: AtChannelOptions) {
    this.#options = options;
  }

  /** Echoed commands since the last call: a radio that was told not to echo has forgotten what it was told. */
  takeEchoes(): number {
    const echoes = this.#echoes;
    this.#echoes = 0;
    return echoes;
  }

  /** @throws DriverError RADIO_QUEUE_FULL, RADIO_TIMEOUT, RADIO_NO_ANSWER, and those of cmeError */
  ask(request: AtRequest): Promise<readonly string[]> {
    return this.exclusive((ask) => ask(request));
  }

  /** Runs `act` with the radio to itself. */
  exclusive<T>(act: (ask: Ask) => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING) return Promise.reject(queueFull());
    this.#waiting++;
    const result = this.#tail.then(() => act((request) => this.#untilNotBusy(request)));
    this.#tail = result.catch(() => undefined).finally(() => this.#waiting--);
    return result;
  }

  /** @returns whether the line was an answer, an echo or a prompt; else it came unasked */
  take(line: string): boolean {
    const active = this.#active;
    if (line === ">" || line === "\u001a") return true;
    if (this.#isEcho(line)) return true;
    const outcome = resultOf(line);
    if (outcome !== undefined) {
      this.#lastResultUpMs = this.#options.clock.upMs();
      active?.settle(outcome === "ok" ? active.lines : outcome);
      return true;
    }
    if (active === undefined || !belongsTo(line, active.request.command)) return false;
    if (active.lines.length < 64) active.lines.push(line);
    return true;
  }

  async #untilNotBusy(request: AtRequest): Promise<readonly string[]> {
    const { clock, signal, busyForMs } = this.#options;
    const untilMs = clock.upMs() + busyForMs;
    for (let pauseMs = FIRST_BUSY_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LAST_BUSY_PAUSE_MS)) {
      try {
        return await this.#once(request);
      } catch (error) {
        const isBusy = error instanceof DriverError && error.code === "RADIO_BUSY";
        if (!isBusy || signal.aborted || clock.upMs() + pauseMs > untilMs) throw error;
        await clock.sleep(pauseMs, signal);
      }
    }
  }

  async #once(request: AtRequest): Promise<readonly string[]> {
    if (this.#isOutOfStep) await this.#comeIntoStep();
    return this.#send(request);
  }

  async #send(request: AtRequest): Promise<readonly string[]> {
    const { link, clock, timeoutMs } = this.#options;
    const { promise, resolve } = Promise.withResolvers<readonly string[] | DriverError>();
    this.#active = { request, lines: [], settle: resolve };
    const answered = new AbortController();
    try {
      const payload = request.payload === undefined ? "" : `${request.payload}\u001a`;
      await link.write(Buffer.from(`${request.command}\r\n${payload}`, "latin1"));
      const late = clock.sleep(timeoutMs, answered.signal).then(() => unanswered(request, timeoutMs));
      const outcome = await Promise.race([promise, late]);
      if (outcome instanceof DriverError) {
        if (outcome.code === "RADIO_TIMEOUT") this.#isOutOfStep = true;
        throw outcome;
      }
      return outcome;
    } finally {
      this.#active = undefined;
      answered.abort();
    }
  }

  async #comeIntoStep(): Promise<void> {
    const { clock, signal, link } = this.#options;
    for (let tries = 0; tries < RESYNC_TRIES && !signal.aborted; tries++) {
      const quietMs = (): number => clock.upMs() - this.#lastResultUpMs;
      do await clock.sleep(SETTLE_MS, signal);
      while (quietMs() < SETTLE_MS && !signal.aborted);
      try {
        // Ctrl-Z and an empty line end whatever text the radio may still be waiting for.
        if (tries > 0) await link.write(Uint8Array.of(0x1b, 0x0d, 0x0a));
        await this.#send({ command: "AT" });
        this.#isOutOfStep = false;
        return;
      } catch (error) {
        if (!(error instanceof DriverError)) throw error;
        if (error.code !== "RADIO_TIMEOUT" && error.code.startsWith("RADIO_")) continue;
        if (error.code !== "RADIO_TIMEOUT") throw error;
      }
    }
    throw new DriverError("RADIO_NO_ANSWER", `the radio at ${link.peer} no longer answers`, {
      retry: "backoff",
      hint: "Is it switched on, and its PEI enabled? Check the cable and the baud rate.",
    });
  }

  #isEcho(line: string): boolean {
    const { request } = this.#active ?? {};
    const isEcho =
      /^AT/i.test(line) || (request?.payload !== undefined && line.replace("\u001a", "") === request.payload);
    if (isEcho) this.#echoes++;
    return isEcho;
  }
}

/** Final results of a command. */
function resultOf(line: string): "ok" | DriverError | undefined {
  if (line === "OK") return "ok";
  const match = /^\+CM[ES] ERROR:\s*([0-9]{1,5})/.exec(line);
  if (match !== null) return cmeError(Number(match[1]));
  return line === "ERROR" || line.startsWith("+CME ERROR") ? cmeError(undefined) : undefined;
}

/** `AT+CREG?` is answered by `+CREG:`; a command without a name of its own by lines without one. */
function belongsTo(line: string, command: string): boolean {
  const name = /^AT(\+[A-Z]+)/.exec(command)?.[1];
  if (!line.startsWith("+")) return name !== undefined;
  return name !== undefined && line.startsWith(`${name.replace(/F$/, "")}`);
}

function unanswered({ command }: AtRequest, timeoutMs: number): DriverError {
  return new DriverError("RADIO_TIMEOUT", `no answer to ${command} within ${timeoutMs} ms`, {
    retry: "backoff",
    hint: "Is the radio switched on, and its PEI enabled? Check the cable and the baud rate.",
  });
}

function queueFull(): DriverError {
  return new DriverError("RADIO_QUEUE_FULL", `${MAX_WAITING} commands wait for the radio`, {
    retry: "backoff",
    hint: "Wait for their answers.",
  });
}
