import { createServer, type Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { deviceLinks } from "../../../drivers/device-links.ts";
import { PasswordMask } from "../../../gateway/supervisor/password-mask.ts";
import { tracedLinks } from "../../../gateway/supervisor/traced-links.ts";
import { systemClock } from "../../../gateway/system-clock.ts";
import { QuietLog } from "../../fakes/quiet-log.ts";
import { freePort } from "../../fakes/rigs.ts";

const FRAME = "##0101QN=20160801085857223;ST=32;CN=1062;PW=wb4-07;MN=010000A8900016F000169DC0;Flag=5;CP=&&&&1C80\r\n";
const HIDDEN = FRAME.replace("wb4-07", "******");

function shown(chunks: readonly Uint8Array[]): string {
  const mask = new PasswordMask();
  return Buffer.concat(chunks.map((chunk) => mask.hide(chunk))).toString("latin1");
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const edges = [0, ...at.map((place) => place % bytes.length).toSorted((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
}

describe("bytes in the log", () => {
  test("are those of the wire, both ways, without the password of an HJ 212 station", async () => {
    const log = new QuietLog();
    const links = tracedLinks(deviceLinks(systemClock()), log, () => true);
    const { promise: dialled, resolve } = Promise.withResolvers<Socket>();
    const server = createServer(resolve);
    onTestFinished(() => void server.close());
    const port = await freePort();
    server.listen(port, "127.0.0.1");
    await using link = await links.openTcp({ host: "127.0.0.1", port });
    await link.write(Buffer.from(FRAME));
    (await dialled).end(FRAME);
    const heard: Uint8Array[] = [];
    for await (const chunk of link) heard.push(chunk);
    expect(Buffer.concat(heard).toString()).toBe(FRAME);
    const told = (way: string) => {
      const lines = log.lines.map(({ fields }): { way?: string; hex?: string } => fields);
      return lines.map((line) => (line.way === way ? line.hex : "")).join("");
    };
    expect(Buffer.from(told("sent"), "hex").toString()).toBe(HIDDEN);
    expect(Buffer.from(told("received"), "hex").toString()).toBe(HIDDEN);
  });

  test("hide it wherever the chunks end, and hide nothing else", () => {
    const bytes = Buffer.from(`${FRAME}PPW=12;${FRAME}pw=x&y\r\nz`);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 12 }), (at) => {
        expect(shown(cut(bytes, at))).toBe(`${HIDDEN}PPW=**;${HIDDEN}pw=***\r\nz`);
      }),
    );
  });

  test("are whole where another protocol has those three letters by chance", () => {
    const binary = Buffer.concat([Buffer.from("PW="), Buffer.alloc(100, 0x80), Buffer.from([1, 2, 3])]);
    expect(shown([binary])).toBe(`PW=${"*".repeat(64)}${"\x80".repeat(36)}\x01\x02\x03`);
  });
});
