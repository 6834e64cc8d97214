import { expect, test } from "vitest";
import { withCrc } from "../../../drivers/bus/crc16.ts";
import { modbusIoCapture } from "../../../drivers/modbus-io/capture.ts";

const decode = (...frames: number[][]) => {
  const decoder = modbusIoCapture.decoder();
  const bytes = Buffer.concat(frames.map((frame) => withCrc(Uint8Array.from(frame))));
  return [...decoder.push(bytes), ...decoder.end()];
};

test("contacts are told bit by bit, switched coils and written registers by their address", () => {
  const states = [true, false, true, false, false, false, false, false];
  expect(decode([1, 2, 1, 0b101], [1, 5, 0, 3, 0xff, 0], [1, 6, 0, 4, 0, 55])).toEqual([
    { reading: { kind: "switch", unit: 1, name: "discrete-inputs", states } },
    { reading: { kind: "switch", unit: 1, name: "coil-3", isOn: true } },
    { reading: { kind: "switch", unit: 1, name: "register-4", value: 55 } },
  ]);
});

test("a refusal is a fault; a question, or what may be one, gives nothing", () => {
  expect(decode([1, 0x85, 2])).toMatchObject([{ fault: { code: "MODBUS_EXCEPTION" } }]);
  expect(decode([1, 1, 0, 0, 0, 8])).toEqual([]);
  // Three bytes of coils, or the question for coils from 0x03FF.
  expect(decode([1, 1, 3, 0xff, 0, 1])).toEqual([]);
  expect(decode([1, 16, 0, 32, 0, 1, 2, 0x41, 0x42])).toEqual([]);
});

test("noise between frames is one fault, and a flipped bit never a state", () => {
  const good = withCrc(Uint8Array.of(1, 2, 1, 0b101));
  const spoilt = Uint8Array.from(good, (byte, at) => (at === 3 ? byte ^ 1 : byte));
  const decoder = modbusIoCapture.decoder();
  const items = [...decoder.push(Buffer.concat([Buffer.from([0xaa, 0xbb]), spoilt, good])), ...decoder.end()];
  expect(items).toMatchObject([{ fault: { code: "MODBUS_CRC" } }, { reading: { name: "discrete-inputs" } }]);
  expect(modbusIoCapture.decoder().frame(spoilt)).toMatchObject([{ fault: { code: "MODBUS_CRC" } }]);
});
