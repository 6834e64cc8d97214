import type { DeviceCommand } from "../../drivers/driver.ts";
import type { DriverError } from "../../drivers/errors.ts";

/** An act for one device, as the commands stage asks for it. */
export interface CommandOrder {
  readonly device: string;
  readonly id: string;
  readonly kind: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
}

export type CommandOutcome =
  | { readonly ok: true; readonly value?: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly hint: string };

const MAX_WAITING = 32;

/** Commands on their way into one run of a driver. Each gets exactly one outcome, also when the run ends before. */
export class CommandInbox implements AsyncIterable<DeviceCommand> {
  readonly #waiting: DeviceCommand[] = [];
  readonly #unanswered = new Set<(outcome: CommandOutcome) => void>();
  #wake: (() => void) | undefined;
  #isRead = false;
  #isClosed = false;

  /** @returns a promise of the one outcome */
  async put({ id, kind, args }: CommandOrder): Promise<CommandOutcome> {
    if (this.#isClosed) return offline();
    if (!this.#isRead) return refused("COMMAND_UNSUPPORTED", `this device takes no commands, "${kind}" included`);
    if (this.#waiting.length >= MAX_WAITING) return refused("COMMAND_OVERLOADED", `${MAX_WAITING} commands wait`);
    const { promise, resolve } = Promise.withResolvers<CommandOutcome>();
    const settle = (outcome: CommandOutcome) => {
      this.#unanswered.delete(settle);
      resolve(outcome);
    };
    this.#unanswered.add(settle);
    this.#waiting.push({
      id,
      kind,
      args,
      done: (value) => settle(value === undefined ? { ok: true } : { ok: true, value }),
      refuse: ({ code, message, hint }: DriverError) => settle({ ok: false, code, message, hint }),
    });
    this.#wake?.();
    return promise;
  }

  /** Takes back what the driver has not begun: nobody expects it any more. @returns whether it was still there */
  withdraw(order: CommandOrder): boolean {
    const at = this.#waiting.findIndex(({ id }) => id === order.id);
    for (const command of at < 0 ? [] : this.#waiting.splice(at, 1)) command.done();
    return at >= 0;
  }

  close(): void {
    this.#isClosed = true;
    for (const settle of this.#unanswered) settle(offline());
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DeviceCommand> {
    this.#isRead = true;
    while (!this.#isClosed) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        yield next;
        continue;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }
}

export function offline(): CommandOutcome {
  return refused("DEVICE_OFFLINE", "the device is not connected", "Its health says why. Send the command again then.");
}

export function refused(
  code: string,
  message: string,
  hint = "See the driver's README for what it can do.",
): CommandOutcome {
  return { ok: false, code, message, hint };
}
