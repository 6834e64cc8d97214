import type { BusLease, Clock, DeviceCommand } from "../driver.ts";
import { DriverError } from "../errors.ts";
import type { ModbusIoConfig, Output } from "./config.ts";
import { textRegisters } from "./display-text.ts";

const LONGEST_FOR_S = 86_400;

/** The outputs of one unit as targets of commands. Every act is read back from the unit before it counts as done. */
export class OutputCommands {
  readonly #config: ModbusIoConfig;
  readonly #bus: BusLease;
  readonly #clock: Clock;
  /** When a timed act ends, by output, on the monotonic clock. */
  readonly #offAtUpMs = new Map<string, number>();
  readonly #onSinceUpMs = new Map<string, number>();

  constructor(config: ModbusIoConfig, bus: BusLease, clock: Clock) {
    this.#config = config;
    this.#bus = bus;
    this.#clock = clock;
  }

  /**
   * `relay {output, on, forS?}` · `relay {output, value}` · `text {output, text}`.
   * @returns what the unit read back
   * @throws DriverError IO_COMMAND_INVALID, IO_NOT_SWITCHED, IO_TEXT_TOO_LONG, IO_TEXT_UNWRITABLE, MODBUS_*
   */
  async act({ kind, args }: Pick<DeviceCommand, "kind" | "args">): Promise<unknown> {
    const [name, output] = this.#target(args["output"]);
    if (kind === "text") return this.#show(name, output, args["text"]);
    if (kind !== "relay") throw invalid(`an output does not do "${kind}"`, "Send relay or text.");
    if (output.textRegister !== undefined) throw invalid(`${name} is a display`, "Send text to it.");
    const { on, value, forS } = args;
    if (typeof value === "number") return this.#set(name, output, value);
    if (typeof on !== "boolean")
      throw invalid("neither on nor value is given", 'E.g. {"output": "siren", "on": true}.');
    if (forS !== undefined && (typeof forS !== "number" || !(forS > 0) || forS > LONGEST_FOR_S || !on)) {
      throw invalid(`forS ${JSON.stringify(forS)} is no time to be on`, `Give seconds, at most ${LONGEST_FOR_S}.`);
    }
    // Before the unit is asked: an order whose answer is lost may have been carried out, and must end all the same.
    if (typeof forS === "number") this.#offAtUpMs.set(name, this.#clock.upMs() + forS * 1000);
    await this.#switch(name, output, on);
    if (forS === undefined) this.#offAtUpMs.delete(name);
    return { output: name, on, ...(typeof forS === "number" && { forS }) };
  }

  /** An output's own word on its state, whoever switched it. */
  seen(name: string, isOn: boolean, upMs: number): void {
    if (!isOn) this.#onSinceUpMs.delete(name);
    else if (!this.#onSinceUpMs.has(name)) this.#onSinceUpMs.set(name, upMs);
  }

  /**
   * Switches off what was on for its time or longer than it may be. One that does not follow is tried again in the next
   * round and holds up no other.
   * @returns why some are still on
   * @throws DriverError of the bus, which may be gone
   */
  async endDue(upMs: number): Promise<readonly DriverError[]> {
    const faults: DriverError[] = [];
    for (const [name, output] of Object.entries(this.#config.outputs ?? {})) {
      const onSince = this.#onSinceUpMs.get(name);
      const isTooLong =
        output.longestOnS !== undefined && onSince !== undefined && upMs - onSince >= output.longestOnS * 1000;
      if (!isTooLong && upMs < (this.#offAtUpMs.get(name) ?? Number.POSITIVE_INFINITY)) continue;
      try {
        await this.#switch(name, output, false);
        this.#offAtUpMs.delete(name);
        this.#onSinceUpMs.delete(name);
      } catch (error) {
        if (!(error instanceof DriverError) || error.code === "BUS_LOST") throw error;
        faults.push(error);
      }
    }
    return faults;
  }

  #target(name: unknown): [string, Output] {
    const { outputs = {} } = this.#config;
    const known = Object.keys(outputs);
    if (name === undefined && known.length === 1) name = known[0];
    const output = typeof name === "string" ? outputs[name] : undefined;
    if (typeof name === "string" && output !== undefined) return [name, output];
    throw invalid(`there is no output ${JSON.stringify(name)}`, `Name one of ${known.join(", ") || "none"}.`);
  }

  async #switch(name: string, output: Output, isOn: boolean): Promise<void> {
    const { unit, timeoutMs } = this.#config;
    if (output.coil !== undefined) {
      const address = output.coil;
      await this.#bus.modbus({ unit, function: "write-coil", address, value: isOn ? 1 : 0, timeoutMs }, "command");
      const [state] = await this.#bus.modbus({ unit, function: "read-coils", address, count: 1, timeoutMs }, "command");
      if ((state !== 0) !== isOn) throw notSwitched(name, String(state));
    } else {
      await this.#set(name, output, isOn ? (output.onValue ?? 1) : (output.offValue ?? 0));
    }
    this.seen(name, isOn, this.#clock.upMs());
  }

  async #set(name: string, output: Output, value: number): Promise<unknown> {
    const { unit, timeoutMs } = this.#config;
    const address = output.register;
    if (address === undefined) throw invalid(`${name} is switched, it takes no value`, "Send on: true or false.");
    const { onValue = 1, offValue = 0, maxValue } = output;
    const isAllowed = value === onValue || value === offValue || (maxValue !== undefined && value <= maxValue);
    if (!Number.isInteger(value) || value < 0 || value > 0xffff || !isAllowed) {
      throw invalid(`${name} does not take the value ${value}`, `It takes ${offValue}, ${onValue}, or up to maxValue.`);
    }
    await this.#bus.modbus({ unit, function: "write-holding", address, value, timeoutMs }, "command");
    const [state] = await this.#bus.modbus({ unit, function: "read-holding", address, count: 1, timeoutMs }, "command");
    if (state !== value) throw notSwitched(name, String(state));
    return { output: name, value };
  }

  async #show(name: string, output: Output, text: unknown): Promise<unknown> {
    const { textRegister: address, textRegisters: count, encoding = "gbk" } = output;
    if (address === undefined || count === undefined) throw invalid(`${name} shows no text`, "Send relay to it.");
    if (typeof text !== "string")
      throw invalid("no text is given", 'E.g. {"output": "board", "text": "夜间施工 72 dB"}.');
    const { unit, timeoutMs } = this.#config;
    const values = textRegisters(text, count, encoding);
    await this.#bus.modbus({ unit, function: "write-registers", address, values, timeoutMs }, "command");
    const shown = await this.#bus.modbus({ unit, function: "read-holding", address, count, timeoutMs }, "command");
    if (values.some((value, at) => value !== shown[at])) throw notSwitched(name, "another text");
    return { output: name, text };
  }
}

function invalid(message: string, hint: string): DriverError {
  return new DriverError("IO_COMMAND_INVALID", message, { retry: "never", hint });
}

function notSwitched(name: string, state: string): DriverError {
  return new DriverError("IO_NOT_SWITCHED", `${name} took the order and reads back ${state}`, {
    retry: "backoff",
    hint: "A switch or lock on the unit itself may hold it. Look at the unit.",
  });
}
