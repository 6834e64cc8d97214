import { createInterface } from "node:readline";
import { Command } from "commander";
import { startIoSimulator } from "../../drivers/modbus-io/simulator.ts";
import { UsageError, usable } from "../usage-error.ts";
import { type ListenOptions, resolveListen, untilAskedToEnd, withListenOptions } from "./listen-options.ts";

interface Options extends ListenOptions {
  readonly unit: string;
  readonly on: string;
}

/** `shao sim io`: a relay board with contacts; what is written to it is printed, contacts follow stdin. */
export function ioCommand(): Command {
  const command = new Command("io")
    .description("a relay board with contacts and a display's registers, on Modbus")
    .option("--unit <n>", "Modbus unit", "1")
    .option("--on <list>", "contacts that are closed at the start, e.g. 0,2", "")
    .addHelpText(
      "after",
      "\n8 coils, 8 discrete inputs, 64 holding registers. A line `0 on` or `0 off` on stdin closes or opens a contact;\n" +
        'each write to it is a line on stdout: {"written":{"table":"coils","address":0,"value":1}}\n' +
        "Example: shao sim io --tcp 15021 --on 0",
    );
  return withListenOptions(command, true).action((options: Options, self: Command) => usable(self, () => run(options)));
}

async function run(options: Options): Promise<void> {
  const unit = Number(options.unit);
  if (!Number.isInteger(unit) || unit < 1 || unit > 247) throw new UsageError(`"${options.unit}" is no unit, 1 to 247`);
  const closed = options.on.split(",").filter((text) => text !== "");
  if (closed.some((text) => !/^[0-7]$/.test(text)))
    throw new UsageError(`"${options.on}" is no list of contacts 0 to 7`);
  const listening = await resolveListen(options);
  const board = await startIoSimulator({
    listen: listening.listen,
    unit,
    onWrite: (table, address, value) =>
      process.stdout.write(`${JSON.stringify({ written: { table, address, value } })}\n`),
  });
  for (const address of closed) board.setInput(Number(address), true);
  process.stdout.write(`${JSON.stringify({ listening: { ...listening.describe(board.port), kind: "io", unit } })}\n`);
  process.stderr.write("simulated board answers; `0 on` and `0 off` move a contact, Ctrl-C ends it\n");
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const [, address, state] = /^\s*([0-7])\s+(on|off)\s*$/.exec(line) ?? [];
    if (address === undefined) process.stderr.write(`"${line}" moves no contact; write e.g. 0 on\n`);
    else board.setInput(Number(address), state === "on");
  });
  await untilAskedToEnd();
  lines.close();
  process.stdin.destroy();
  await board.close();
  await listening.release();
}
