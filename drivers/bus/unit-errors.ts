import type { ModbusRequest } from "../driver.ts";
import { DriverError } from "../errors.ts";
import type { Refusal } from "./framing.ts";

export function lateHint(timeoutMs: number): string {
  return `Its answers come later than ${timeoutMs} ms. Raise timeoutMs, or look for a second master on this line.`;
}

/** Why one exchange brought no value, while the bus itself works. */
export function refusalError(request: ModbusRequest, refusal: Refusal, hasLate: boolean): DriverError {
  const { unit, timeoutMs } = request;
  switch (refusal) {
    case "silence":
      return new DriverError("MODBUS_TIMEOUT", `unit ${unit} did not answer within ${timeoutMs} ms`, {
        retry: "backoff",
        hint: hasLate
          ? lateHint(timeoutMs)
          : "Check power, wiring (A and B not swapped), unit number and baud rate of this meter.",
      });
    case "crc":
      return new DriverError("MODBUS_CRC", `what came from unit ${unit} has no good checksum`, {
        retry: "backoff",
        hint: "Check baud rate and parity, the 120 ohm terminators, the shield, and that no two meters share a number.",
      });
    case "unexpected":
      return new DriverError("MODBUS_UNEXPECTED", `an answer came that unit ${unit} was not asked for`, {
        retry: "backoff",
        hint: "Check unit numbers and profile, and that no other master polls this line.",
      });
  }
}
