import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { AsyncQueue } from "../../../drivers/net/async-queue.ts";
import { formatTcpAddress, parseTcpAddress } from "../../../drivers/net/tcp-address.ts";
import { openTcpLink } from "../../../drivers/net/tcp-client.ts";
import { listenTcpLinks } from "../../../drivers/net/tcp-listener.ts";
import { openUdpLink } from "../../../drivers/net/udp-link.ts";
import { freePort } from "../../fakes/rigs.ts";

const LOOPBACK = "127.0.0.1";

describe("links", () => {
  test("a queue that nobody reads stays bounded: the oldest goes and is counted", async () => {
    const gone: number[] = [];
    const queue = new AsyncQueue<number>(3, (item) => gone.push(item));
    for (let item = 1; item <= 5; item++) queue.push(item);
    queue.end();
    expect([await Array.fromAsync(queue), gone, queue.dropped]).toEqual([[3, 4, 5], [1, 2], 2]);
  });

  test("a queue that ends with an error hands out what it holds, then throws", async () => {
    const queue = new AsyncQueue<number>(3);
    queue.push(1);
    queue.end(new Error("broke"));
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const item of queue) seen.push(item);
      })(),
    ).rejects.toThrow("broke");
    expect(seen).toEqual([1]);
  });

  test("addresses: names, IPv4, IPv6; what is none is refused with an example", () => {
    for (const text of ["meter.local:502", "192.168.1.20:4001", "[fd00::20]:502"]) {
      expect(formatTcpAddress(parseTcpAddress(text))).toBe(text);
    }
    for (const text of ["meter", "meter:0", "meter:70000", ":502", "a b:1"]) {
      expect(() => parseTcpAddress(text)).toThrow(expect.objectContaining({ code: "ADDRESS_INVALID" }));
    }
  });

  test("nobody there, no such name, a taken port: each its own code and hint", async () => {
    const port = await freePort();
    await expect(openTcpLink({ host: LOOPBACK, port })).rejects.toMatchObject({ code: "CONNECTION_REFUSED" });
    await using listener = await listenTcpLinks({ host: LOOPBACK, port: 0 });
    const taken = { host: LOOPBACK, port: listener.localPort };
    await expect(listenTcpLinks(taken)).rejects.toMatchObject({
      code: "ADDRESS_IN_USE",
      hint: expect.stringContaining("ss"),
    });
    await expect(listenTcpLinks({ host: "192.0.2.1", port: 0 })).rejects.toMatchObject({ code: "LISTEN_FAILED" });
    await using udp = await openUdpLink({ local: { host: LOOPBACK, port: 0 } });
    await expect(openUdpLink({ local: { host: LOOPBACK, port: udp.localPort } })).rejects.toMatchObject({
      code: "ADDRESS_IN_USE",
    });
  });

  test("a reset connection breaks the reader and the writer with CONNECTION_LOST; a closed one just ends", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (bytes) => (String(bytes) === "reset" ? socket.resetAndDestroy() : socket.end("bye")));
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, LOOPBACK, resolve);
    await promise;
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await using broken = await openTcpLink({ host: LOOPBACK, port });
    await broken.write(Buffer.from("reset"));
    await expect(Array.fromAsync(broken)).rejects.toMatchObject({ code: "CONNECTION_LOST", hint: expect.any(String) });
    await expect(broken.write(Buffer.from("more"))).rejects.toMatchObject({ code: "CONNECTION_LOST" });
    await using closed = await openTcpLink({ host: LOOPBACK, port });
    await closed.write(Buffer.from("close"));
    expect(Buffer.concat(await Array.fromAsync(closed)).toString()).toBe("bye");
    server.close();
  });
});
