import { Command } from "commander";
import { parseTcpAddress } from "../../drivers/net/tcp-address.ts";
import { UsageError, usable } from "../usage-error.ts";
import { type BadLink, startBadLink, whyNoBadLink } from "./bad-link.ts";
import { BAD_3G, type LineShape } from "./line-shape.ts";
import { reachInto, serveAt } from "./link-forward.ts";
import { startLinkProxy } from "./link-proxy.ts";
import { untilAskedToEnd } from "./listen-options.ts";

const FAR_PORT = 7000;
const MOST_QUEUED_S = 2;

interface Options {
  readonly to: string;
  readonly listen: string;
  readonly rate: string;
  readonly delay: string;
  readonly loss: string;
  readonly cutEvery?: string;
  readonly cutFor: string;
}

/** `shao sim link`: a bad line in front of whatever listens on TCP. */
export function linkCommand(): Command {
  const command = new Command("link")
    .description(
      "a bad line: delay, loss and a rate on every packet (root), or a plain proxy that can be cut (without)",
    )
    .requiredOption("--to <host:port>", "what stands behind the line, e.g. the bridge's MQTT port")
    .option("--listen <port>", "port on 127.0.0.1 in front of it (0: any)", "0")
    .option("--rate <bytes>", "bytes a second, each way", String(BAD_3G.rateBytesPerS))
    .option("--delay <ms>", "one way", String(BAD_3G.delayMs))
    .option("--loss <percent>", "of the packets, each way", String(BAD_3G.lossShare * 100))
    .option("--cut-every <s>", "cut the line each so many seconds")
    .option("--cut-for <s>", "and mend it after so many", "10")
    .addHelpText(
      "after",
      "\nThe line is made of two network namespaces and is gone when the command ends.\n" +
        "Example: shao sim link --to 127.0.0.1:8883 --listen 18883 --rate 8000 --delay 150 --loss 3",
    );
  return command.action((options: Options, self: Command) => usable(self, () => run(options)));
}

async function run(options: Options): Promise<void> {
  const to = parseTcpAddress(options.to);
  const listen = numberOf(options.listen, "listen", 0, 65_535);
  const rateBytesPerS = numberOf(options.rate, "rate", 100, 1e9);
  const shape: LineShape = {
    rateBytesPerS,
    delayMs: numberOf(options.delay, "delay", 0, 60_000),
    lossShare: numberOf(options.loss, "loss", 0, 100) / 100,
    queueBytes: Math.max(16_000, rateBytesPerS * MOST_QUEUED_S),
  };
  const cutEveryS = options.cutEvery === undefined ? undefined : numberOf(options.cutEvery, "cut-every", 1, 86_400);
  const cutForMs = numberOf(options.cutFor, "cut-for", 0.1, 86_400) * 1000;
  const reason = whyNoBadLink();
  if (reason !== undefined) {
    process.stderr.write(
      `${reason}: a plain TCP proxy stands in, which can be cut, and neither delays, drops nor paces anything\n`,
    );
    await using proxy = await startLinkProxy({ to, port: listen });
    say(proxy.port, { rig: "proxy" });
    await playing(cutEveryS, cutForMs, (isCut) => proxy.set(isCut ? "stalled" : "open"));
    return;
  }
  await using link: BadLink = await startBadLink(shape);
  await using _far = await serveAt(link.far, FAR_PORT, to);
  await using near = await reachInto(link.near, { host: link.far.address, port: FAR_PORT }, listen);
  say(near.port, { rig: "namespaces", ...shape, near: link.near, far: link.far });
  await playing(cutEveryS, cutForMs, (isCut) => link.cut(isCut));
}

function say(port: number, facts: object): void {
  process.stdout.write(`${JSON.stringify({ listening: { tcp: `127.0.0.1:${port}`, kind: "link", ...facts } })}\n`);
  process.stderr.write("the line stands; Ctrl-C ends it\n");
}

async function playing(everyS: number | undefined, forMs: number, cut: (isCut: boolean) => void): Promise<void> {
  const timer =
    everyS === undefined
      ? undefined
      : setInterval(() => {
          cut(true);
          setTimeout(() => cut(false), forMs);
        }, everyS * 1000);
  await untilAskedToEnd();
  clearInterval(timer);
}

function numberOf(text: string, name: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= least && value <= most)) {
    throw new UsageError(`--${name} "${text}" is no number from ${least} to ${most}`);
  }
  return value;
}
