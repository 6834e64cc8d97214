import { EventEmitter } from "node:events";
import ModbusSerial from "modbus-serial";
import type { ModbusRequest } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { withCrc } from "./crc16.ts";
import { isException, type ReplyShape } from "./reply-shape.ts";

/** One request in RTU form, what its answer must look like, and how to read it. */
export interface EncodedRequest {
  readonly request: ModbusRequest;
  readonly adu: Uint8Array;
  readonly shape: ReplyShape;
  /** @throws DriverError MODBUS_EXCEPTION, MODBUS_GATEWAY, MODBUS_UNEXPECTED */
  decode(reply: Uint8Array): readonly number[];
}

// The types of modbus-serial name a default export; under Node it is the module itself.
const ModbusRTU = ModbusSerial as unknown as typeof ModbusSerial.default;

const SERVER_BUSY = [5, 6];
const ILLEGAL_MAP = [1, 2, 3];
/** Said by a Modbus gateway in the stead of a unit that it does not find. */
const GATEWAY_FINDS_NOBODY = [10, 11];

/**
 * modbus-serial on a port that is no port: it builds the request and reads the answer that our framing chose for it. Its
 * own transaction slot and its timer never come into play, because each request has an instance of its own.
 */
class CapturePort extends EventEmitter {
  readonly isOpen = true;
  written: Uint8Array = new Uint8Array();

  open(done: (error: null) => void): void {
    done(null);
  }

  write(bytes: Uint8Array): void {
    this.written = Uint8Array.from(bytes);
  }
}

/** @throws DriverError MODBUS_REQUEST_INVALID */
export function encodeRequest(request: ModbusRequest): EncodedRequest {
  checkRequest(request);
  const port = new CapturePort();
  const modbus = new ModbusRTU(port);
  modbus.open();
  let result: readonly number[] | undefined;
  let refused: unknown;
  const settle = (error: unknown, values: () => readonly number[]) => {
    if (error) refused = error;
    else result = values();
  };
  const { unit, address, count = 1, value = 0, values = [] } = request;
  switch (request.function) {
    case "read-coils":
      modbus.writeFC1(unit, address, count, (error, data) =>
        settle(error, () => data.data.slice(0, count).map(Number)),
      );
      break;
    case "read-discrete-inputs":
      modbus.writeFC2(unit, address, count, (error, data) =>
        settle(error, () => data.data.slice(0, count).map(Number)),
      );
      break;
    case "read-holding":
      modbus.writeFC3(unit, address, count, (error, data) => settle(error, () => data.data));
      break;
    case "read-input":
      modbus.writeFC4(unit, address, count, (error, data) => settle(error, () => data.data));
      break;
    case "write-coil":
      modbus.writeFC5(unit, address, value !== 0, (error, data) => settle(error, () => [Number(data.state)]));
      break;
    case "write-holding":
      modbus.writeFC6(unit, address, value, (error, data) => settle(error, () => [data.value]));
      break;
    case "write-registers":
      modbus.writeFC16(unit, address, [...values], (error, data) => settle(error, () => [data.length]));
      break;
  }
  const shape = shapeOf(request, port.written);
  return {
    request,
    adu: port.written,
    shape,
    decode(reply) {
      if (isException(reply)) throw exception(request, reply[2] ?? 0);
      port.emit("data", Buffer.from(reply));
      if (result !== undefined) return result;
      throw new DriverError("MODBUS_UNEXPECTED", `unit ${unit} answered something else: ${String(refused)}`, {
        retry: "backoff",
        hint: "Check that no two devices of this bus have the same unit number.",
        cause: refused,
      });
    },
  };
}

/** Function 8, sub-function 0: the device gives back the very bytes. The library has no such request. */
export function encodeLoopback(unit: number, mark: number, timeoutMs: number): EncodedRequest {
  const adu = withCrc(Uint8Array.of(unit, 8, 0, 0, mark >>> 8, mark & 0xff));
  return {
    request: { unit, function: "read-holding", address: 0, timeoutMs },
    adu,
    shape: { unit, functionCode: 8, lengthBytes: adu.length, prefix: adu.subarray(2, 6) },
    decode: () => [mark],
  };
}

function shapeOf(request: ModbusRequest, adu: Uint8Array): ReplyShape {
  const { unit, count = 1 } = request;
  const functionCode = adu[1] ?? 0;
  if (request.function === "write-coil" || request.function === "write-holding") {
    return { unit, functionCode, lengthBytes: adu.length, prefix: adu.subarray(2, adu.length - 2) };
  }
  if (request.function === "write-registers") {
    return { unit, functionCode, lengthBytes: 8, prefix: adu.subarray(2, 6) };
  }
  const isBits = request.function === "read-coils" || request.function === "read-discrete-inputs";
  const dataBytes = isBits ? Math.ceil(count / 8) : count * 2;
  return { unit, functionCode, lengthBytes: 3 + dataBytes + 2, prefix: Uint8Array.of(dataBytes) };
}

function checkRequest({ unit, address, count = 1, value = 0, values = [], function: kind }: ModbusRequest): void {
  const isBits = kind === "read-coils" || kind === "read-discrete-inputs";
  const highest = isBits ? 2000 : 125;
  const isSound =
    isWithin(unit, 1, 247) &&
    isWithin(address, 0, 0xffff) &&
    isWithin(count, 1, highest) &&
    address + Math.max(count, values.length) <= 0x10000 &&
    isWithin(value, 0, 0xffff) &&
    (kind === "write-registers" ? isWithin(values.length, 1, 123) : values.length === 0) &&
    values.every((each) => isWithin(each, 0, 0xffff));
  if (isSound) return;
  throw new DriverError("MODBUS_REQUEST_INVALID", `no Modbus request: unit ${unit} ${kind} ${address} × ${count}`, {
    retry: "never",
    hint: "Units are 1 to 247, registers 0 to 65535, at most 125 registers or 2000 coils at once, 123 to write.",
  });
}

function isWithin(value: number, lowest: number, highest: number): boolean {
  return Number.isInteger(value) && value >= lowest && value <= highest;
}

function exception({ unit, function: kind, address }: ModbusRequest, code: number): DriverError {
  const isMap = ILLEGAL_MAP.includes(code);
  if (GATEWAY_FINDS_NOBODY.includes(code)) {
    return new DriverError("MODBUS_GATEWAY", `the Modbus gateway finds no unit ${unit}, exception ${code}`, {
      retry: "backoff",
      hint: "Check power, wiring and unit number of this meter, and the baud rate that the gateway was set to.",
    });
  }
  return new DriverError("MODBUS_EXCEPTION", `unit ${unit} refused ${kind} ${address}, exception ${code}`, {
    retry: isMap ? "never" : "backoff",
    hint: isMap
      ? "The register map does not fit this meter. Choose the profile of its model."
      : SERVER_BUSY.includes(code)
        ? "The device is busy. Poll it less often."
        : "The device reports a fault of its own. Look at its display, or power it off and on.",
  });
}
