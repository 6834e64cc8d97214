import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { radioBesideReceiver } from "../../fakes/neighbours.ts";
import { until } from "../../fakes/rigs.ts";

test("a port that floods, with rubbish and with messages of thousands of handsets, does not disturb the receiver beside it", async () => {
  const rubbish = Buffer.alloc(20_000, "\u00ff}{ 7A\r\n~~~~", "latin1");
  let sent = 0;
  const flood = createServer((socket) => {
    socket.on("error", () => undefined).resume();
    void (async () => {
      for (let id = 1; !socket.destroyed; id++) {
        const messages = `\r\n+CTSDSR: 13,${id % 9000},0,1,0,16\r\n8004\r\n`.repeat(20);
        const isTaken = socket.write(Buffer.concat([rubbish, Buffer.from(messages)]));
        sent++;
        await wait(isTaken ? 2 : 20);
      }
    })();
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  flood.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = flood.address();
  await using site = await radioBesideReceiver(typeof address === "object" && address !== null ? address.port : 0);
  await until(() => site.count("gps position") >= 30 && sent > 50);
  expect(site.state("gps")).toBe("online");
  expect(site.count("radio message")).toBeGreaterThan(0);
  flood.close();
});
