import { readFileSync } from "node:fs";
import process from "node:process";
import { Jt808Capture } from "../drivers/jt808/capture.ts";
import { decodeFrame, type FrameOrFault } from "../drivers/jt808/frame.ts";
import { FrameReader } from "../drivers/jt808/frame-reader.ts";

/**
 * Holds our decoder against the frames of traccar's test suite, which this repository does not carry:
 *
 *     node scripts/compare-jt808.ts [Jt808ProtocolDecoderTest.java]
 *
 * Without a file it is fetched. Each frame must be read as JT/T 808, and where the suite expects a position of each
 * location, so must we. One line for each that differs, and a count of all. Exit 1 where a difference has no known reason.
 */
const SUITE =
  "https://raw.githubusercontent.com/traccar/traccar/master/src/test/java/org/traccar/protocol/Jt808ProtocolDecoderTest.java";
const STANDARD = new Set([0x0001, 0x0002, 0x0003, 0x0100, 0x0102, 0x0200, 0x0201, 0x0704]);

interface Vector {
  readonly expects: string;
  readonly bytes: Uint8Array;
}

async function main(): Promise<void> {
  const [path] = process.argv.slice(2);
  const source = path === undefined ? await fetched() : readFileSync(path, "utf8");
  const counts = new Map<string, number>();
  const vectors = vectorsOf(source);
  let unexplained = 0;
  for (const vector of vectors) {
    const verdict = verdictOf(vector);
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    if (verdict.startsWith("agrees")) continue;
    if (verdict.startsWith("UNEXPLAINED")) unexplained += 1;
    process.stdout.write(`${verdict}: ${Buffer.from(vector.bytes).toString("hex").slice(0, 60)}…\n`);
  }
  process.stdout.write(`${JSON.stringify({ frames: vectors.length, ...Object.fromEntries(counts) }, undefined, 2)}\n`);
  process.exitCode = unexplained > 0 || vectors.length === 0 ? 1 : 0;
}

async function fetched(): Promise<string> {
  const response = await fetch(SUITE, { signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`${SUITE} answers ${response.status}; give the file instead`);
  return response.text();
}

function vectorsOf(source: string): Vector[] {
  const calls = source.matchAll(
    /verify(\w+)\(decoder,(?:\s*(?:true|false),)?\s*binary\(\s*((?:"[0-9a-fA-F]*"\s*\+?\s*)+)\)/g,
  );
  return [...calls].map(([, expects = "", strings = ""]) => ({
    expects,
    bytes: Uint8Array.from(Buffer.from(strings.replaceAll(/[^0-9a-fA-F]/g, ""), "hex")),
  }));
}

function verdictOf({ expects, bytes }: Vector): string {
  if (bytes[0] !== 0x7e) return "not JT/T 808: a maker's own framing";
  const found = readFrame(bytes);
  if (!("frame" in found)) return refusal(found, bytes);
  const { messageId, body } = found.frame;
  if (!STANDARD.has(messageId)) return "agrees: the message is a maker's own or not covered, the frame is good";
  const items = new Jt808Capture().frame(sealed(bytes));
  const codes = items.flatMap((item) => ("fault" in item ? [item.fault.code] : []));
  const positions = items.filter((item) => "reading" in item && Reflect.get(item.reading, "kind") === "position");
  if (codes.includes("JT808_ENCRYPTED_POSITION"))
    return "differs: bit 5 says that the coordinates are moved; not plotted";
  if (codes.includes("JT808_COORDINATES")) return "differs: 0, 0 with a fix is no place; told and not plotted";
  if (codes.length > 0) return `UNEXPLAINED ${codes.join(" ")}`;
  const hasNoFix = messageId === 0x0200 && ((body[7] ?? 0) & 2) === 0;
  if (/^Position/.test(expects) && positions.length === 0) {
    return hasNoFix ? "differs: no fix bit, so no position" : "UNEXPLAINED no position";
  }
  return "agrees";
}

/** As it stands, or as the suite stores some: already unescaped. */
function readFrame(bytes: Uint8Array): FrameOrFault {
  const [found, ...more] = new FrameReader().push(bytes);
  if (found !== undefined && "frame" in found && more.length === 0) return found;
  return decodeFrame(sealed(bytes).subarray(1, -1));
}

function sealed(bytes: Uint8Array): Uint8Array {
  const [found, ...more] = new FrameReader().push(bytes);
  if (found !== undefined && "frame" in found && more.length === 0) return bytes;
  const escaped = [...bytes.subarray(1, -1)].flatMap((byte) => {
    if (byte === 0x7e) return [0x7d, 2];
    return byte === 0x7d ? [0x7d, 1] : [byte];
  });
  return Uint8Array.from([0x7e, ...escaped, 0x7e]);
}

function refusal(found: FrameOrFault, bytes: Uint8Array): string {
  const code = "fault" in found ? found.fault.code : "";
  if (bytes[1] === 0x55) return "not JT/T 808: a maker's own messages between the same marks";
  if (code === "JT808_CHECKSUM") return "differs: the check byte is wrong, which the suite's decoder does not look at";
  if (code === "JT808_LENGTH") return "differs: the body is not as long as its header says";
  return `UNEXPLAINED ${code}`;
}

await main();
