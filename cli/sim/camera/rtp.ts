import type { VideoCodec } from "./annex-b.ts";

/** Small enough for any path, as cameras have it, though TCP carries it. */
const MAX_PAYLOAD = 1400;

/** One stream of RTP. @source RFC 3550 §5.1 */
export class RtpStream {
  readonly #payloadType: number;
  readonly #ssrc: number;
  #sequence: number;
  #packets = 0;
  #octets = 0;

  constructor(payloadType: number, ssrc: number) {
    this.#payloadType = payloadType;
    this.#ssrc = ssrc;
    this.#sequence = ssrc & 0xffff;
  }

  /** Packets of one moment; the last bears the marker. */
  packets(payloads: readonly Uint8Array[], timestamp: number, isMarked = true): readonly Buffer[] {
    return payloads.map((payload, index) => {
      const head = Buffer.alloc(12);
      head[0] = 0x80;
      head[1] = this.#payloadType | (isMarked && index === payloads.length - 1 ? 0x80 : 0);
      head.writeUInt16BE(this.#sequence, 2);
      head.writeUInt32BE(timestamp >>> 0, 4);
      head.writeUInt32BE(this.#ssrc >>> 0, 8);
      this.#sequence = (this.#sequence + 1) & 0xffff;
      this.#packets += 1;
      this.#octets += payload.length;
      return Buffer.concat([head, payload]);
    });
  }

  /** So that sound and picture find each other. @source RFC 3550 §6.4.1 */
  senderReport(nowMs: number, timestamp: number): Buffer {
    const report = Buffer.alloc(28);
    report[0] = 0x80;
    report[1] = 200;
    report.writeUInt16BE(6, 2);
    report.writeUInt32BE(this.#ssrc >>> 0, 4);
    report.writeUInt32BE(Math.floor(nowMs / 1000) + 2_208_988_800, 8);
    report.writeUInt32BE(Math.floor(((nowMs % 1000) / 1000) * 2 ** 32), 12);
    report.writeUInt32BE(timestamp >>> 0, 16);
    report.writeUInt32BE(this.#packets >>> 0, 20);
    report.writeUInt32BE(this.#octets >>> 0, 24);
    return report;
  }
}

/** A NAL unit as payloads: alone, or in fragments. @source RFC 6184 §5.8 (FU-A), RFC 7798 §4.4.3 (FU) */
export function payloadsOf(nal: Uint8Array, codec: VideoCodec): readonly Uint8Array[] {
  if (nal.length <= MAX_PAYLOAD) return [nal];
  const headBytes = codec === "h264" ? 1 : 2;
  const first = nal[0] ?? 0;
  const payloads: Uint8Array[] = [];
  for (let at = headBytes; at < nal.length; at += MAX_PAYLOAD - 3) {
    const part = nal.subarray(at, at + MAX_PAYLOAD - 3);
    const ends = (at === headBytes ? 0x80 : 0) | (at + part.length >= nal.length ? 0x40 : 0);
    const head =
      codec === "h264"
        ? [(first & 0xe0) | 28, ends | (first & 31)]
        : [(first & 0x81) | (49 << 1), nal[1] ?? 0, ends | ((first >> 1) & 63)];
    payloads.push(Buffer.concat([Uint8Array.from(head), part]));
  }
  return payloads;
}
