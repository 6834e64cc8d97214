import { setTimeout as wait } from "node:timers/promises";
import { mbapReply, mbapRequests, rtuRequests, type SlaveRequest, slaveReply } from "../bus/modbus-slave.ts";
import type { ByteLink } from "../driver.ts";
import { type SimulatorListen, serveSimulator } from "../net/simulator-listen.ts";
import type { NoiseProfile } from "./profile.ts";
import { type ProfileName, resolveProfile } from "./profiles.ts";
import { type ReadBlock, readPlan } from "./read-plan.ts";
import { encodeRegisters, type RegisterEncoding, registerCount } from "./register-value.ts";

/** What goes wrong on the line, as shares of all answers (0 to 1) and units that are switched off. */
export interface LineFaults {
  readonly deadUnits?: readonly number[];
  /** How long every answer takes; 0 unless given. */
  readonly answerMs?: number;
  readonly lateShare?: number;
  /** How late a late answer is. */
  readonly lateMs?: number;
  readonly crcShare?: number;
  readonly rubbishShare?: number;
}

export interface NoiseSimulatorOptions {
  /** On TCP, `framing` says which Modbus: `rtu` as behind a serial server, or `tcp`. */
  readonly listen: SimulatorListen & { readonly framing?: "rtu" | "tcp" };
  /** Default: unit 1. */
  readonly units?: readonly number[];
  readonly profile?: ProfileName | NoiseProfile;
  /** The level that the unit measures at that time, dB(A); null: it says that it has none. */
  readonly levelAt: (unit: number, atMs: number) => number | null;
  /** Other values of the profile at that time, in their own units; null or absent: none. */
  readonly measurementAt?: (unit: number, quantity: string, atMs: number) => number | null;
  /** Replaces the register map of the profile, e.g. by values that tell their own unit and address. */
  readonly registerAt?: (unit: number, functionCode: number, address: number) => number | undefined;
  /** Asked once for each request, so that faults may come and go. */
  readonly faults?: () => LineFaults;
  readonly random?: () => number;
  readonly nowMs?: () => number;
}

export interface NoiseSimulator {
  /** The bound TCP port; absent on a serial line. */
  readonly port?: number;
  /** Requests that reached a unit of ours. */
  readonly requests: () => number;
  close(): Promise<void>;
}

/** Meters on one line that speak real Modbus. A unit answers in order; behind a serial server, to the newest connection. */
export async function startNoiseSimulator(options: NoiseSimulatorOptions): Promise<NoiseSimulator> {
  const { units = [1], random = Math.random, nowMs = Date.now } = options;
  const faults = (): LineFaults => options.faults?.() ?? {};
  const profile = resolveProfile(options.profile ?? "sonbest-sm7901b");
  const registerAt = options.registerAt ?? profileRegisters(profile, options, nowMs);
  const isMbap = "tcp" in options.listen && options.listen.framing !== "rtu";
  const lastOfUnit = new Map<number, Promise<void>>();
  const stop = new AbortController();
  let newest: ByteLink | undefined;
  let requests = 0;

  const answer = async (
    request: SlaveRequest,
    head: Uint8Array | undefined,
    link: ByteLink,
    { answerMs = 0, lateShare = 0, lateMs = 0, crcShare = 0, rubbishShare = 0 }: LineFaults,
  ): Promise<void> => {
    const delayMs = random() < lateShare ? lateMs : answerMs;
    if (delayMs > 0) await wait(delayMs, undefined, { signal: stop.signal });
    let reply = slaveReply(request, (code, address) => registerAt(request.unit, code, address));
    if (random() < rubbishShare)
      reply = Uint8Array.from({ length: 1 + Math.floor(random() * 20) }, () => random() * 256);
    else if (random() < crcShare) reply = flipOneBit(reply, random);
    if (head !== undefined) await link.write(mbapReply(head, reply));
    else await (newest ?? link).write(reply);
  };

  const take = (request: SlaveRequest, head: Uint8Array | undefined, link: ByteLink): void => {
    if (!units.includes(request.unit)) return;
    const now = faults();
    if (now.deadUnits?.includes(request.unit) === true) return;
    requests++;
    const before = lastOfUnit.get(request.unit) ?? Promise.resolve();
    lastOfUnit.set(
      request.unit,
      before.then(() => answer(request, head, link, now)).catch(() => undefined),
    );
  };

  const server = await serveSimulator(options.listen, async (link) => {
    newest = link;
    const rtu = rtuRequests();
    const mbap = mbapRequests();
    for await (const chunk of link) {
      if (isMbap) for (const { head, request } of mbap(chunk)) take(request, head, link);
      else for (const request of rtu(chunk)) take(request, undefined, link);
    }
  });
  return {
    ...(server.port !== undefined && { port: server.port }),
    requests: () => requests,
    async close() {
      stop.abort();
      await server.close();
    },
  };
}

/** The registers of the profile as a meter would hold them; what lies between two of them reads 0, all else is refused. */
function profileRegisters(
  profile: NoiseProfile,
  { levelAt, measurementAt }: Pick<NoiseSimulatorOptions, "levelAt" | "measurementAt">,
  nowMs: () => number,
): (unit: number, functionCode: number, address: number) => number | undefined {
  const blocks = readPlan(profile);
  return (unit, code, address) => {
    const block = blocks.find(
      (one) => codeOf(one) === code && one.address <= address && address < one.address + one.count,
    );
    if (block === undefined) return undefined;
    const field = block.fields.find((one) => one.address <= address && address < one.address + one.count);
    if (field === undefined) return 0;
    const { measurement } = field;
    const encoding = measurement ?? profile;
    const value =
      measurement === undefined
        ? levelAt(unit, nowMs())
        : (measurementAt?.(unit, measurement.quantity, nowMs()) ?? null);
    const counts = value === null ? undefined : value / (measurement?.scale ?? profile.scaleDb);
    const words = counts === undefined ? noData(encoding) : encodeRegisters(counts, encoding);
    return words[address - field.address];
  };
}

function codeOf({ function: kind }: ReadBlock): number {
  return kind === "read-holding" ? 3 : 4;
}

function noData(encoding: RegisterEncoding & { readonly noDataValues: readonly number[] }): number[] {
  if (encoding.type === "f32") return encodeRegisters(Number.NaN, encoding);
  const { type: _, isSigned: __, ...order } = encoding;
  return encodeRegisters(
    encoding.noDataValues[0] ?? 0x7fff,
    registerCount(encoding) === 2 ? { ...order, type: "u32" } : order,
  );
}

function flipOneBit(bytes: Uint8Array, random: () => number): Uint8Array {
  const at = Math.floor(random() * bytes.length);
  const bit = Math.floor(random() * 8);
  return bytes.map((byte, index) => (index === at ? byte ^ (1 << bit) : byte));
}
