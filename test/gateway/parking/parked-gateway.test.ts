import { expect, onTestFinished, test, vi } from "vitest";
import { startIoSimulator } from "../../../drivers/modbus-io/simulator.ts";
import { startNoiseSimulator } from "../../../drivers/modbus-noise/simulator.ts";
import { DRIVERS } from "../../../drivers/registry.ts";
import { checkGatewayConfig } from "../../../gateway/config/load-gateway-config.ts";
import { startGateway } from "../../../gateway/main.ts";
import type { DeviceBody } from "../../../protocol/bodies.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";
import { scratchFolder } from "../../fakes/rigs.ts";

const SOON = { timeout: 20_000, interval: 50 };

test("a vehicle parks with its ignition, slows down, drives on, and ends when it stood long enough", async () => {
  const board = await startIoSimulator({ listen: { tcp: {}, framing: "tcp" } });
  board.setInput(0, true);
  const meter = await startNoiseSimulator({ listen: { tcp: {}, framing: "tcp" }, levelAt: () => 55 });
  const scratch = scratchFolder();
  onTestFinished(async () => {
    await board.close();
    await meter.close();
    scratch.remove();
  });
  const text = `
node: vehicle-007
timeZone: Asia/Shanghai
bridge: { url: "mqtts://127.0.0.1:1" }
state: ${JSON.stringify(scratch.path)}
buses:
  board: { tcp: "127.0.0.1:${board.port}", framing: tcp }
  meter: { tcp: "127.0.0.1:${meter.port}", framing: tcp }
devices:
  board: { driver: modbus-io, bus: board, periodMs: 300, timeoutMs: 280, inputs: { ignition: { discreteInput: 0 } } }
  noise-01: { driver: modbus-noise, bus: meter, periodMs: 300, timeoutMs: 280 }
parking: { device: board, settleS: 0, slowBy: 1000, shutdownAfterS: 1 }
`;
  const checked = await checkGatewayConfig(Buffer.from(text), DRIVERS);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  const gateway = await startGateway({ config: checked.config, version: "test", log: new QuietLog() });
  onTestFinished(() => gateway.stop());
  const states = async () =>
    Object.fromEntries(
      Object.entries((await gateway.health()).devices).map(([id, body]) => [id, (body as DeviceBody).state]),
    );

  await vi.waitFor(async () => expect(await states()).toEqual({ board: "online", "noise-01": "online" }), SOON);
  board.setInput(0, false);
  await vi.waitFor(async () => expect(await states()).toEqual({ board: "online", "noise-01": "parked" }), SOON);
  const asked = meter.requests();
  board.setInput(0, true);
  await vi.waitFor(async () => expect(await states()).toEqual({ board: "online", "noise-01": "online" }), SOON);
  expect(meter.requests()).toBeGreaterThan(asked);
  board.setInput(0, false);
  expect(await gateway.ended).toBe("parked");
});
