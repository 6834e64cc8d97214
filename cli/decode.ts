import { createReadStream, openSync } from "node:fs";
import { createInterface } from "node:readline";
import { Command, Option } from "commander";
import { DriverError } from "../drivers/errors.ts";
import { NmeaCapture } from "../drivers/gps-nmea/capture.ts";
import { decodeFrame, decodeStream } from "../drivers/modbus-noise/capture.ts";
import { isProfileName, PROFILE_NAMES, resolveProfile } from "../drivers/modbus-noise/profiles.ts";
import { EXIT } from "./subcommand.ts";

type Item = { readonly reading: object } | { readonly fault: { code: string; message: string; hint: string } };

interface Decoder {
  /** A whole frame, from a line of hex. */
  frame(bytes: Uint8Array): readonly Item[];
  /** The next bytes of a capture. */
  push(bytes: Uint8Array): readonly Item[];
  end(): readonly Item[];
}

const LONGEST_RAW_BYTES = 64 * 1024 * 1024;

const KINDS: Readonly<Record<string, (profile: string) => Decoder>> = {
  nmea: nmeaDecoder,
  "modbus-noise": modbusNoiseDecoder,
};

/** `shao decode KIND [FILE|-]`: captured bytes or text to readings, one object a line. */
export function command(): Command {
  return new Command()
    .argument("<kind>", `what was captured: ${Object.keys(KINDS).join(", ")}`)
    .argument("[file]", "the capture; - is stdin", "-")
    .option("--hex", "each line is one frame in hex; lines that begin with > (sent) or # are passed over")
    .addOption(new Option("--profile <name>", "model of the meter").choices(PROFILE_NAMES).default("sonbest-sm7901b"))
    .addHelpText(
      "after",
      '\nstdout: {"reading":{…}} or {"fault":{"code","message","hint"}}, one a line. Exit code 1 if any line is a fault.\n' +
        'Examples:\n  shao decode nmea receiver.log\n  echo "01 03 02 02 18 B9 2E" | shao decode modbus-noise --hex',
    )
    .action(async (kind: string, file: string, options: { hex?: boolean; profile: string }, self: Command) => {
      const make = KINDS[kind];
      if (make === undefined) {
        self.error(`error: there is no decoder "${kind}"; there are ${Object.keys(KINDS).join(", ")}`);
      }
      const decoder = make(options.profile);
      const faults = options.hex === true ? await decodeHex(file, decoder) : await decodeRaw(file, decoder);
      process.exitCode = faults === 0 ? EXIT.good : EXIT.fault;
    });
}

async function decodeRaw(file: string, decoder: Decoder): Promise<number> {
  let faults = 0;
  for await (const chunk of open(file)) faults += print(decoder.push(chunk));
  return faults + print(decoder.end());
}

async function decodeHex(file: string, decoder: Decoder): Promise<number> {
  let faults = 0;
  for await (const line of createInterface({ input: open(file) })) {
    const text = (line.split("#")[0] ?? "").trim();
    if (text === "" || text.startsWith(">")) continue;
    const hex = text.replace(/^</, "").replaceAll(/[\s:,-]|0x/gi, "");
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

function open(file: string): NodeJS.ReadableStream & AsyncIterable<Uint8Array> {
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

function nmeaDecoder(): Decoder {
  const capture = new NmeaCapture();
  return {
    frame: (bytes) => [...capture.push(bytes), ...capture.push(Uint8Array.of(0x0d, 0x0a))],
    push: (bytes) => capture.push(bytes),
    end: () => capture.end(),
  };
}

function modbusNoiseDecoder(name: string): Decoder {
  const profile = resolveProfile(isProfileName(name) ? name : "sonbest-sm7901b");
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  return {
    frame: (bytes) => {
      const item = decodeFrame(bytes, profile);
      return item === undefined ? [] : [item];
    },
    push: (bytes) => {
      sizeBytes += bytes.length;
      if (sizeBytes <= LONGEST_RAW_BYTES) chunks.push(bytes);
      return [];
    },
    end: () => decodeStream(Buffer.concat(chunks), profile),
  };
}
