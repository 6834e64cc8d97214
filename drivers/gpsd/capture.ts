import type { CaptureFormat, DecodedItem } from "../decoder.ts";
import { DriverError } from "../errors.ts";
import { decodeLine } from "./decode.ts";
import { type GpsdEpoch, GpsdEpochAssembler } from "./epoch.ts";
import { type LineOrFault, LineReader } from "./lines.ts";

const MOST_RECEIVERS = 64;
const LINE_END = Uint8Array.of(0x0a);

/** Reads captured JSON of gpsd (`gpspipe -w`), of any date and of several receivers. */
class GpsdCapture {
  readonly #reader = new LineReader();
  readonly #receivers = new Map<string, GpsdEpochAssembler>();

  push(bytes: Uint8Array): DecodedItem[] {
    return this.#reader.push(bytes).flatMap((found) => this.#take(found));
  }

  end(): DecodedItem[] {
    const left = this.#reader.end().flatMap((found) => this.#take(found));
    return [...left, ...[...this.#receivers.values()].flatMap((receiver) => readings(receiver.close()))];
  }

  #take(found: LineOrFault): DecodedItem[] {
    if ("fault" in found) return [found];
    // gpsd passes on sentences too, where a client asks for them; `#` begins a remark on a capture.
    if (/^[$!#]/.test(found.line)) return [];
    try {
      const report = decodeLine(found.line);
      if (report.kind === "fix") return readings(this.#of(report.receiver)?.add(report.fix));
      if (report.kind === "sky") this.#of(report.receiver)?.look(report.sky);
      if (report.kind === "refusal") return [{ fault: refused(report.message) }];
      return [];
    } catch (error) {
      if (error instanceof DriverError) return [{ fault: error }];
      throw error;
    }
  }

  #of(receiver: string): GpsdEpochAssembler | undefined {
    const known = this.#receivers.get(receiver);
    if (known !== undefined || this.#receivers.size >= MOST_RECEIVERS) return known;
    const fresh = new GpsdEpochAssembler(receiver);
    this.#receivers.set(receiver, fresh);
    return fresh;
  }
}

export const gpsdCapture: CaptureFormat = {
  decoder() {
    const capture = new GpsdCapture();
    return {
      frame: (bytes) => [...capture.push(bytes), ...capture.push(LINE_END)],
      push: (bytes) => capture.push(bytes),
      end: () => capture.end(),
    };
  },
};

/** An ERROR report. */
export function refused(message: string): DriverError {
  return new DriverError("GPSD_REFUSED", `gpsd says: ${message}`, {
    retry: "backoff",
    hint: "Its log says more: journalctl -u gpsd.",
  });
}

function readings(epoch: GpsdEpoch | undefined): DecodedItem[] {
  if (epoch?.position === undefined) return [];
  const { position, utcMs } = epoch;
  return [{ reading: { kind: "position", ...position, ...(utcMs !== undefined && { fixAtMs: utcMs, atMs: utcMs }) } }];
}
