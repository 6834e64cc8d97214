import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { EXIT } from "./subcommand.ts";

/** bench/<name>.ts, each a program of its own that ends with one line of JSON on stdout. */
const BENCHMARKS: Readonly<Record<string, string>> = {
  custody:
    "journal rates, drain of a day's backlog, poll jitter, flash, start with 10 million rows, outages beside peers",
  latency: "alarm raised → crew notified, beside bare mqtt.js → aedes → mqtt.js",
  "bad-link":
    "alarm raised → committed at the bridge over 64 kbit/s, 300 ms, 3 % loss, with 100,000 records queued (root)",
  wire: "bytes of one 1-s level on the socket, both ways: a backlog, and one live meter",
  "gateway-memory":
    "memory and processor time of a gateway with ten meters and a GPS receiver, beside a bare Node process",
  bridge:
    "records to receipt, alarms to dispatched, memory of 5,000 connected nodes, pages of the API, beside bare aedes and loops",
  ingest: "noise records from the envelope to the receipt, on SQLite and PostgreSQL, beside bare loops",
  fleet:
    "1,000 nodes in one process over mTLS: pairing, connecting, the bridge killed, and the fleet page in Chromium meanwhile",
  terminals:
    "memory and processor time of a gateway with 5,000 vehicle terminals, beside a server that only splits frames",
  stations: "500 HJ 212 stations on one gateway, beside a server that only splits frames and answers",
  "control-room": "5,000 vehicle terminals and 500 HJ 212 stations on one gateway, beside a bare Node process",
  bus: "ten slaves on one bad line at 9600 baud: wrong values and polls kept, beside a plain modbus-serial loop",
  decoders: "frames a second of each decoder, beside merely splitting the bytes",
  vision:
    "four cameras recorded and judged, beside plain ffmpeg and ONNX Runtime; a picture beside the bare session.run",
  start: "start of the gateway to its first reading, without and with a backlog",
};

const WITH_OPTIONS: readonly string[] = ["custody", "bridge", "vision"];

interface Row {
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  readonly goal: number | null;
  readonly peer: number | null;
  readonly limit: number | null;
  readonly note?: string;
}

/** `shao bench NAME`: measures on this machine and says beside what. */
export function command(): Command {
  const list = Object.entries(BENCHMARKS).map(([name, what]) => `  ${name.padEnd(16)}${what}`);
  return new Command()
    .argument("<name>", "which one")
    .argument("[options...]", "its own, as `custody --only journal`; `--help` after its name lists them")
    .allowUnknownOption()
    .passThroughOptions()
    .option("--json", "the report as one JSON object on stdout")
    .addHelpText("after", `\nBenchmarks:\n${list.join("\n")}\n\nExample: shao bench latency --json`)
    .action(async (name: string, given: readonly string[], options: { json?: boolean }) => {
      if (!Object.hasOwn(BENCHMARKS, name)) {
        process.stderr.write(
          `shao bench: no benchmark is called ${name}; there are ${Object.keys(BENCHMARKS).join(", ")}\n`,
        );
        process.exitCode = EXIT.usage;
        return;
      }
      const own = given.filter((one) => one !== "--json");
      if (own.length > 0 && !WITH_OPTIONS.includes(name)) {
        process.stderr.write(`shao bench: ${name} has no options of its own; given was ${own.join(" ")}\n`);
        process.exitCode = EXIT.usage;
        return;
      }
      const { code, output } = await measure(name, own);
      if (code === 0 && own.includes("--help")) return;
      if (code === EXIT.usage) {
        process.exitCode = EXIT.usage;
        return;
      }
      if (code !== 0 || output === "") {
        process.stderr.write(`shao bench: ${name} ended with ${String(code)} and no result\n`);
        process.exitCode = EXIT.fault;
        return;
      }
      process.stdout.write(options.json === true || given.includes("--json") ? `${output}\n` : table(output));
    });
}

async function measure(
  name: string,
  own: readonly string[],
): Promise<{ readonly code: number | string; readonly output: string }> {
  const path = fileURLToPath(new URL(`../bench/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [path, ...own], { stdio: ["ignore", "pipe", "inherit"] });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.once("SIGINT", pass).once("SIGTERM", pass);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  process.off("SIGINT", pass).off("SIGTERM", pass);
  return { code: code ?? signal ?? "nothing", output: output.trim().split("\n").at(-1) ?? "" };
}

function table(output: string): string {
  const { commit, machine, rows } = JSON.parse(output) as { commit: string; machine: string; rows: readonly Row[] };
  const heads = ["metric", "value", "unit", "goal", "peer", "limit", ""];
  const show = (value: number | null): string => (value === null ? "-" : String(value));
  const cells = rows.map((row) => [
    row.metric,
    show(row.value),
    row.unit,
    show(row.goal),
    show(row.peer),
    show(row.limit),
    row.note ?? "",
  ]);
  const widths = heads.map((head, column) => Math.max(head.length, ...cells.map((row) => (row[column] ?? "").length)));
  const lines = [heads, ...cells].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n\n${commit} on ${machine}\n`;
}
