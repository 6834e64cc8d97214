import { expect, test } from "vitest";
import { GNSS_KINDS, SwitchedReceiver, serveReceivers } from "../../fakes/gnss-neighbours.ts";
import { freePort, until as untilSo } from "../../fakes/rigs.ts";

/** Machines may be busy. */
const until = (isSo: () => boolean) => untilSo(isSo, 50_000);

test.each(GNSS_KINDS)(
  "a %s that vanishes is offline, and its neighbour goes on",
  { timeout: 120_000 },
  async (kind) => {
    await using good = new SwitchedReceiver(kind, await freePort());
    await using bad = new SwitchedReceiver(kind, await freePort());
    await good.on();
    await bad.on();
    await using devices = serveReceivers({ good: { kind, port: good.port }, bad: { kind, port: bad.port } });
    await until(() => devices.positions("good") > 2 && devices.positions("bad") > 2);
    await bad.off();
    await until(() => devices.state("bad") === "offline");
    const before = devices.positions("good");
    await until(() => devices.positions("good") > before + 5);
    expect([devices.state("good"), devices.state("bad")]).toEqual(["online", "offline"]);
  },
);
