import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";

const ANSWER_WITHIN_MS = 1000;
/** @source chrony 4.3, candm.h: protocol 6, REQ_TRACKING, and a request as long as its reply */
const [VERSION, REQUEST, REPLY, TRACKING, LENGTH] = [6, 1, 2, 33, 104];
const AT = {
  command: 4,
  reply: 6,
  requestSequence: 8,
  status: 8,
  sequence: 16,
  source: 28,
  leap: 54,
  setS: 56,
} as const;
const RPY_TRACKING = 5;
const UNSYNCHRONISED = 3;
/** `local` in chrony.conf: it then calls its own clock a source. */
const OWN_CLOCK = 0x7f7f0101;

/**
 * What chronyd says of the clock on its port for monitoring, which it serves on loopback to every account.
 * @returns when a source last set the clock, ms UTC; undefined when nobody answers
 */
export async function lastSetByChrony(port: number): Promise<number | "never" | undefined> {
  const request = Buffer.alloc(LENGTH);
  const sequence = randomBytes(4);
  request.writeUInt8(VERSION, 0);
  request.writeUInt8(REQUEST, 1);
  request.writeUInt16BE(TRACKING, AT.command);
  sequence.copy(request, AT.requestSequence);
  const reply = await answerTo(request, port);
  const isOurs =
    reply?.length === LENGTH && reply[1] === REPLY && reply.subarray(AT.sequence, AT.sequence + 4).equals(sequence);
  return isOurs ? setMs(reply) : undefined;
}

function setMs(reply: Buffer): number | "never" {
  const isTracking = reply.readUInt16BE(AT.reply) === RPY_TRACKING && reply.readUInt16BE(AT.status) === 0;
  const source = reply.readUInt32BE(AT.source);
  if (!isTracking || source === OWN_CLOCK || reply.readUInt16BE(AT.leap) === UNSYNCHRONISED) return "never";
  return Number(reply.readBigUInt64BE(AT.setS)) * 1000;
}

async function answerTo(request: Uint8Array, port: number): Promise<Buffer | undefined> {
  const socket = createSocket("udp4");
  socket.unref();
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const late = setTimeout(resolve, ANSWER_WITHIN_MS, undefined);
  late.unref();
  socket.on("error", () => resolve(undefined));
  socket.once("message", resolve);
  socket.connect(port, "127.0.0.1", () => socket.send(request));
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    socket.close();
  }
}
