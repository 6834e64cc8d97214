import { createReadStream, openSync } from "node:fs";
import { createInterface } from "node:readline";
import { Command } from "commander";
import type { CaptureFormat, FrameDecoder } from "../drivers/decoder.ts";
import { DriverError } from "../drivers/errors.ts";
import { CAPTURES } from "../drivers/registry.ts";
import { EXIT } from "./subcommand.ts";

const KINDS = CAPTURES.map(({ kind }) => kind);

type Item = { readonly reading: object } | { readonly fault: { code: string; message: string; hint: string } };

/** `shao decode KIND [FILE|-]`: captured bytes or text to readings, one object a line. */
export function command(): Command {
  return new Command()
    .argument("<kind>", `what was captured: ${KINDS.join(", ")}`)
    .argument("[file]", "the capture; - is stdin", "-")
    .option("--hex", "each line is one frame in hex; lines that begin with > (sent) or # are passed over")
    .option("--profile <name>", "model of the meter, where captures of models differ")
    .addHelpText(
      "after",
      `\nKinds:\n${CAPTURES.map(({ kind, summary }) => `  ${kind.padEnd(14)}${summary}`).join("\n")}\n` +
        '\nstdout: {"reading":{…}} or {"fault":{"code","message","hint"}}, one a line. Exit code 1 if any line is a fault.\n' +
        'Examples:\n  shao decode nmea receiver.log\n  echo "01 03 02 02 18 B9 2E" | shao decode modbus-noise --hex',
    )
    .action(async (kind: string, file: string, options: { hex?: boolean; profile?: string }, self: Command) => {
      const { format, decoder } = await open(kind, options.profile, self);
      const faults = options.hex === true ? await decodeHex(file, decoder, format) : await decodeRaw(file, decoder);
      process.exitCode = faults === 0 ? EXIT.good : EXIT.fault;
    });
}

async function open(kind: string, profile: string | undefined, self: Command) {
  const entry = CAPTURES.find((capture) => capture.kind === kind);
  if (entry === undefined) self.error(`error: there is no decoder "${kind}"; there are ${KINDS.join(", ")}`);
  const format = await entry.load();
  const { profiles = [] } = format;
  if (profile !== undefined && !profiles.includes(profile)) {
    const known = profiles.length === 0 ? "none" : profiles.join(", ");
    self.error(`error: ${kind} has no profile "${profile}"; it has ${known}`);
  }
  return { format, decoder: format.decoder(profile) };
}

async function decodeRaw(file: string, decoder: FrameDecoder): Promise<number> {
  let faults = 0;
  for await (const chunk of capture(file)) faults += print(decoder.push(chunk));
  return faults + print(decoder.end());
}

async function decodeHex(file: string, decoder: FrameDecoder, format: CaptureFormat): Promise<number> {
  let faults = 0;
  for await (const line of createInterface({ input: capture(file) })) {
    const text = (line.split("#")[0] ?? "").trim();
    if (text === "" || text.startsWith(">")) continue;
    const digits = text.replace(/^</, "").replaceAll(/[\s:,-]|0x/gi, "");
    const hex = digits.length % 2 !== 0 && format.allowsHalfByte === true ? `${digits}0` : digits;
    if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(hex)) {
      faults += print([
        {
          fault: {
            code: "HEX_INVALID",
            message: `"${text.slice(0, 40)}" is no line of hex`,
            hint: "Write each byte as two hex digits, e.g. 01 03 02 02 18 B9 2E.",
          },
        },
      ]);
      continue;
    }
    faults += print(decoder.frame(Uint8Array.from(Buffer.from(hex, "hex"))));
  }
  return faults + print(decoder.end());
}

function capture(file: string): NodeJS.ReadableStream & AsyncIterable<Uint8Array> {
  if (file === "-") return process.stdin;
  try {
    return createReadStream("", { fd: openSync(file, "r") });
  } catch (error) {
    throw new DriverError("CAPTURE_UNREADABLE", `no capture can be read from ${file}`, {
      retry: "never",
      hint: "Check the path and its permissions; - reads from stdin.",
      cause: error,
    });
  }
}

/** @returns how many were faults */
function print(items: readonly Item[]): number {
  let faults = 0;
  for (const item of items) {
    if ("fault" in item) {
      faults++;
      const { code, message, hint } = item.fault;
      process.stdout.write(`${JSON.stringify({ fault: { code, message, hint } })}\n`);
    } else {
      process.stdout.write(`${JSON.stringify(item)}\n`);
    }
  }
  return faults;
}
