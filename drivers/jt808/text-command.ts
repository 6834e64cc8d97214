import type { Clock, DeviceCommand } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { MESSAGE, textBody } from "./messages.ts";
import { type Terminals, terminalId } from "./terminals.ts";

const REFUSALS: Readonly<Record<number, string>> = { 1: "failed", 2: "bad message", 3: "not supported" };

/**
 * `text` with `to` (a number, or a subject of type terminal) and `text`; done when the terminal says that it shows it.
 * Answers the command exactly once, never throws.
 */
export async function sendText(
  command: DeviceCommand,
  terminals: Terminals,
  clock: Clock,
  answerTimeoutMs: number,
): Promise<void> {
  try {
    command.done(await deliver(command, terminals, clock, answerTimeoutMs));
  } catch (error) {
    const fault =
      error instanceof DriverError ? error : refusal("JT808_COMMAND", String(error), "Report it with the log.");
    command.refuse(fault);
  }
}

async function deliver(
  { kind, args }: DeviceCommand,
  terminals: Terminals,
  clock: Clock,
  answerTimeoutMs: number,
): Promise<{ readonly to: string }> {
  if (kind !== "text") throw refusal("JT808_COMMAND", `vehicle terminals do no "${kind}"`, "They take text.");
  const { text, urgent } = args;
  const id = recipient(args["to"]);
  if (id === undefined || typeof text !== "string") {
    throw refusal(
      "JT808_COMMAND",
      "the command names no terminal or no text",
      'Write {"to": "13912345678", "text": "…"}.',
    );
  }
  const terminal = terminals.find(id);
  if (terminal?.link === undefined) {
    throw new DriverError("JT808_AWAY", `terminal ${id} is not connected`, {
      retry: "backoff",
      hint: "Its health says when it was heard. Send the text again then.",
    });
  }
  const { edition, phone } = terminal.header;
  const body = textBody(text, edition, urgent === true);
  const serial = terminal.nextSerial++ & 0xffff;
  const answered = Promise.withResolvers<number>();
  const over = new AbortController();
  terminal.unanswered.set(serial, answered.resolve);
  try {
    await terminal.link.send({ messageId: MESSAGE.text, edition, phone, serial, body });
    const result = await Promise.race([
      answered.promise,
      clock.sleep(answerTimeoutMs, over.signal).then(() => undefined),
    ]);
    if (result === 0) return { to: id };
    const saw =
      result === undefined ? `no answer within ${answerTimeoutMs} ms` : (REFUSALS[result] ?? `result ${result}`);
    throw new DriverError("JT808_REFUSED", `terminal ${id} on the text: ${saw}`, {
      retry: result === undefined ? "backoff" : "never",
      hint: "Without an answer it may have been shown all the same; a terminal without a display refuses.",
    });
  } finally {
    over.abort();
    terminal.unanswered.delete(serial);
  }
}

function recipient(to: unknown): string | undefined {
  const id: unknown = typeof to === "object" && to !== null && "id" in to ? to.id : to;
  return typeof id === "string" && /^[0-9a-f]{1,20}$/.test(id) ? terminalId(id) : undefined;
}

function refusal(code: string, message: string, hint: string): DriverError {
  return new DriverError(code, message, { retry: "never", hint });
}
