import { EXCEPTION_BIT, EXCEPTION_BYTES, rtuCapture, WRITE_BYTES } from "../bus/rtu-capture.ts";
import type { CaptureFormat, DecodedItem } from "../decoder.ts";
import { DriverError } from "../errors.ts";

const TABLES = new Map([
  [1, "coils"],
  [2, "discrete-inputs"],
]);

/**
 * One captured RTU frame of a board with a good checksum. An answer names no address and no count, so all bits of it are given, the lowest
 * first; what may be a question as well as an answer gives nothing.
 */
function decodeFrame(frame: Uint8Array): readonly DecodedItem[] {
  const [unit = 0, code = 0, third = 0, fourth = 0] = frame;
  const word = (at: number) => (frame[at] ?? 0) * 256 + (frame[at + 1] ?? 0);
  const table = TABLES.get(code);
  if ((code & EXCEPTION_BIT) !== 0 && frame.length === EXCEPTION_BYTES) {
    return [
      {
        fault: new DriverError("MODBUS_EXCEPTION", `unit ${unit} answered with exception ${third}`, {
          retry: "never",
          hint: "The board has no such coil, contact or register, or does not take the value.",
        }),
      },
    ];
  }
  if (table !== undefined && frame.length !== WRITE_BYTES && frame.length === 3 + third + 2 && third > 0) {
    const states = Array.from(
      { length: third * 8 },
      (_, bit) => (((frame[3 + (bit >> 3)] ?? 0) >> (bit & 7)) & 1) === 1,
    );
    return [{ reading: { kind: "switch", unit, name: table, states } }];
  }
  if (code === 5 && frame.length === WRITE_BYTES && (word(4) === 0 || word(4) === 0xff00)) {
    return [{ reading: { kind: "switch", unit, name: `coil-${third * 256 + fourth}`, isOn: word(4) !== 0 } }];
  }
  if (code === 6 && frame.length === WRITE_BYTES) {
    return [{ reading: { kind: "switch", unit, name: `register-${third * 256 + fourth}`, value: word(4) } }];
  }
  return [];
}

export const modbusIoCapture: CaptureFormat = { decoder: () => rtuCapture(decodeFrame) };
