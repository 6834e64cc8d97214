import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import mqtt, { type MqttClient } from "mqtt";
import { freePorts } from "../cli/sim/free-port.ts";
import { end, type Spawned, start } from "./children.ts";

/** Debian's Mosquitto on a port of its own, with queues that drop nothing, and a subscriber of ours that never leaves it. */
export interface Mosquitto extends AsyncDisposable {
  readonly port: number;
  readonly subscriber: MqttClient;
}

export async function startMosquitto(folder: string): Promise<Mosquitto> {
  const [port = 0] = await freePorts(1);
  const file = join(folder, "mosquitto.conf");
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n`);
  const broker: Spawned = start("/usr/sbin/mosquitto", ["-c", file]);
  await wait(500);
  if (broker.child.exitCode !== null) throw new Error(`mosquitto ended: ${broker.said.join("\n")}`);
  const subscriber = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: "bench", clean: false });
  return {
    port,
    subscriber,
    async [Symbol.asyncDispose]() {
      await subscriber.endAsync(true);
      await end(broker);
    },
  };
}
