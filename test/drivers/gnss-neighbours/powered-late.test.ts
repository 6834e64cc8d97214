import { expect, test } from "vitest";
import { GNSS_KINDS, SwitchedReceiver, serveReceivers } from "../../fakes/gnss-neighbours.ts";
import { freePort, until as untilSo } from "../../fakes/rigs.ts";

/** Machines may be busy. */
const until = (isSo: () => boolean) => untilSo(isSo, 50_000);

test.each(GNSS_KINDS)(
  "a %s that is powered on late is read from then on, and its neighbour did not wait",
  async (kind) => {
    await using good = new SwitchedReceiver(kind, await freePort());
    await using late = new SwitchedReceiver(kind, await freePort());
    await good.on();
    await using devices = serveReceivers({ good: { kind, port: good.port }, late: { kind, port: late.port } });
    await until(() => devices.positions("good") > 5 && devices.state("late") === "offline");
    expect(devices.positions("late")).toBe(0);
    await late.on();
    await until(() => devices.positions("late") > 2);
    expect(devices.state("good")).toBe("online");
  },
);
