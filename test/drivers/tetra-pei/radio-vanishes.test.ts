import { expect, test } from "vitest";
import { startRadioSimulator } from "../../../drivers/tetra-pei/simulator.ts";
import { radioBesideReceiver } from "../../fakes/neighbours.ts";
import { until } from "../../fakes/rigs.ts";

test("a radio that vanishes and comes back does not disturb the receiver beside it", async () => {
  const options = { issi: "1", handsets: ["2"] };
  const radio = await startRadioSimulator({ ...options, listen: { tcp: {} } });
  const port = radio.port ?? 0;
  await using site = await radioBesideReceiver(port);
  await until(() => site.state("radio") === "online" && site.state("gps") === "online");
  await radio.close();
  await until(() => site.state("radio") === "offline");
  const before = site.count("gps position");
  await until(() => site.count("gps position") >= before + 10);
  expect(site.state("gps")).toBe("online");
  const again = await startRadioSimulator({ ...options, listen: { tcp: { port } } });
  await until(() => site.state("radio") === "online");
  again.status("2", 7);
  await until(() => {
    again.status("2", 7);
    return site.count("radio message") > 0;
  });
  expect(site.state("gps")).toBe("online");
  await again.close();
});
