import { expect, test } from "vitest";
import { GNSS_KINDS, SwitchedReceiver, serveReceivers } from "../../fakes/gnss-neighbours.ts";
import { freePort, until as untilSo } from "../../fakes/rigs.ts";

/** Machines may be busy. */
const until = (isSo: () => boolean) => untilSo(isSo, 50_000);

const RUBBISH = Buffer.alloc(256 * 1024, "$GPGGA,no line end and no checksum ");
const LINES = Buffer.from("$GPXXX,1*00\r\n".repeat(5000));

test.each(GNSS_KINDS)("a %s that floods keeps neither its neighbour nor memory", { timeout: 120_000 }, async (kind) => {
  await using good = new SwitchedReceiver(kind, await freePort());
  await using first = new SwitchedReceiver(kind, await freePort());
  await using second = new SwitchedReceiver(kind, await freePort());
  first.flood(RUBBISH);
  second.flood(LINES);
  for (const receiver of [good, first, second]) await receiver.on();
  await using devices = serveReceivers({
    good: { kind, port: good.port },
    first: { kind, port: first.port },
    second: { kind, port: second.port },
  });
  await until(() => devices.positions("good") > 2);
  const residentBytes = process.memoryUsage().rss;
  await until(() => devices.positions("good") > 12);
  expect(process.memoryUsage().rss - residentBytes).toBeLessThan(200 * 1024 * 1024);
  expect([devices.positions("first"), devices.positions("second")]).toEqual([0, 0]);
  expect(devices.state("good")).toBe("online");
});
