import { createServer } from "node:net";
import { expect, test } from "vitest";
import { startRadioSimulator } from "../../../drivers/tetra-pei/simulator.ts";
import { radioBesideReceiver } from "../../fakes/neighbours.ts";
import { until } from "../../fakes/rigs.ts";

test("a radio behind a serial server that is powered on late is found, and the receiver beside it never waits", async () => {
  // The serial server answers from the start; the radio behind it says nothing.
  const silent = createServer((socket) => socket.on("error", () => undefined).resume());
  const { promise, resolve } = Promise.withResolvers<void>();
  silent.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = silent.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await using site = await radioBesideReceiver(port);
  await until(() => site.count("gps position") >= 30);
  expect(site.state("radio")).not.toBe("online");
  silent.close();
  await until(() => site.state("radio") === "offline");
  const radio = await startRadioSimulator({ listen: { tcp: { port } }, issi: "1", handsets: [] });
  await until(() => site.state("radio") === "online");
  expect(site.state("gps")).toBe("online");
  await radio.close();
});
