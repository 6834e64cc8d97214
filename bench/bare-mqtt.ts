import { once } from "node:events";
import { createServer } from "node:net";
import { performance } from "node:perf_hooks";
import { Aedes } from "aedes";
import mqtt from "mqtt";

/**
 * The floor under every latency figure: one message of `sizeBytes` from mqtt.js through aedes to mqtt.js over loopback TCP,
 * QoS 1, nothing stored, nothing judged, all three in this process.
 * @returns ms from publish to arrival, one a message
 */
export async function bareMqttLatencies(options: {
  readonly messages: number;
  readonly sizeBytes: number;
}): Promise<number[]> {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const url = `mqtt://127.0.0.1:${address.port}`;
  const publisher = await mqtt.connectAsync(url);
  const subscriber = await mqtt.connectAsync(url);
  const latencies: number[] = [];
  try {
    await subscriber.subscribeAsync("bench/up", { qos: 1 });
    const payload = Buffer.alloc(options.sizeBytes, "x");
    for (let sent = 0; sent < options.messages; sent += 1) {
      const arrived = new Promise<void>((resolve) => subscriber.once("message", () => resolve()));
      const startedMs = performance.now();
      publisher.publish("bench/up", payload, { qos: 1 });
      await arrived;
      latencies.push(performance.now() - startedMs);
    }
  } finally {
    await Promise.all([publisher.endAsync(true), subscriber.endAsync(true)]);
    await new Promise<void>((resolve) => broker.close(() => server.close(() => resolve())));
  }
  return latencies;
}
