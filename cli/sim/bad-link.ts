import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { LineShape } from "./line-shape.ts";
import { RELAY_PORT, type RelayOrder, type RelayReport } from "./link-relay.ts";
import { leftNamespaces, namespaceNames, type RunCommand, removeNamespaces } from "./network-namespaces.ts";

const RELAY = fileURLToPath(new URL("./link-relay.ts", import.meta.url));
const UP_WITHIN_MS = 10_000;
/** A tunnelled packet of 1500 bytes must fit a datagram without being cut in two. */
const CARRIER_MTU = "2000";
const NEAR = { address: "10.9.0.1", carrier: "10.98.1.2", relay: "10.98.1.1" };
const FAR = { address: "10.9.0.2", carrier: "10.98.2.2", relay: "10.98.2.1" };

/** One end of the line: a network namespace of its own. */
export interface LinkEnd {
  /** Its address on the line. */
  readonly address: string;
  /** Put before a command, it runs at this end. */
  readonly within: readonly string[];
}

export interface BadLink extends AsyncDisposable {
  readonly near: LinkEnd;
  readonly far: LinkEnd;
  shape(shape: LineShape): void;
  /** A cut line loses everything and says nothing; it can be mended. */
  cut(isCut: boolean): void;
  /** IP packets so far. */
  report(): Promise<RelayReport>;
  /** Takes everything away that was made. */
  close(): Promise<void>;
}

/** Why this machine cannot have one, with what would help; undefined when it can. */
export function whyNoBadLink(): string | undefined {
  if (process.platform !== "linux") return "network namespaces need Linux";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  if (!existsSync("/dev/net/tun")) return "there is no /dev/net/tun";
  for (const tool of ["ip", "socat"]) {
    if (spawnSync(tool, ["-V"], { stdio: "ignore" }).error !== undefined) {
      return `needs ${tool} (\`scripts/setup --test\` installs it)`;
    }
  }
  return undefined;
}

/**
 * Two network namespaces, each with a TUN device by socat, and between them a relay that delays, drops and paces datagrams:
 * real TCP over a really bad line. Nothing of this machine's own network is touched.
 * @throws Error saying which step failed
 */
export async function startBadLink(shape: LineShape): Promise<BadLink> {
  const reason = whyNoBadLink();
  if (reason !== undefined) throw new Error(reason);
  removeNamespaces(leftNamespaces(loose), loose);
  const names = namespaceNames(randomBytes(3).toString("hex"));
  const all = Object.values(names);
  const children: ChildProcess[] = [];
  const close = async () => {
    const ended = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const gone = Promise.all(ended.map((child) => new Promise((resolve) => child.once("exit", resolve))));
    removeNamespaces(all, loose);
    await gone;
  };
  try {
    for (const name of all) strict("ip", ["netns", "add", name]);
    for (const name of all) strict("ip", ["-n", name, "link", "set", "lo", "up"]);
    for (const [index, end] of [NEAR, FAR].entries()) {
      const name = index === 0 ? names.near : names.far;
      const middle = `to-${index}`;
      const peer = ["peer", "name", "veth0", "netns", name];
      strict("ip", ["link", "add", middle, "netns", names.middle, "type", "veth", ...peer]);
      strict("ip", ["-n", names.middle, "address", "add", `${end.relay}/24`, "dev", middle]);
      strict("ip", ["-n", name, "address", "add", `${end.carrier}/24`, "dev", "veth0"]);
      strict("ip", ["-n", names.middle, "link", "set", middle, "mtu", CARRIER_MTU, "up"]);
      strict("ip", ["-n", name, "link", "set", "veth0", "mtu", CARRIER_MTU, "up"]);
    }
    const relay = startRelay(names.middle, shape, all);
    children.push(relay);
    await answerOf(relay);
    for (const [index, end] of [NEAR, FAR].entries()) {
      const name = index === 0 ? names.near : names.far;
      const carrier = `UDP:${end.relay}:${RELAY_PORT},bind=${end.carrier}:${RELAY_PORT}`;
      const [program, ...enter] = within(name);
      const args = [...enter, "socat", `TUN:${end.address}/24,up,iff-no-pi`, carrier];
      children.push(spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] }));
      await untilUp(name, end.address);
    }
    const order = (what: RelayOrder) => void relay.send(what);
    return {
      near: { address: NEAR.address, within: within(names.near) },
      far: { address: FAR.address, within: within(names.far) },
      shape: (next) => order({ shape: next }),
      cut: (isCut) => order({ isCut }),
      report: () => {
        order({ report: true });
        return answerOf(relay);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** `ip netns exec` would copy the mounts too, and so keep disks busy that others unmount. */
function within(namespace: string): [string, ...string[]] {
  return ["nsenter", `--net=/run/netns/${namespace}`];
}

/** Its own group, so that a Ctrl-C in a terminal leaves it time to clear up after its parent. */
function startRelay(namespace: string, shape: LineShape, namespaces: readonly string[]): ChildProcess {
  const ends = [NEAR, FAR].map(({ relay, carrier }) => ({ host: relay, peer: carrier }));
  const task = JSON.stringify([ends, shape, namespaces]);
  const [program, ...enter] = within(namespace);
  return spawn(program, [...enter, process.execPath, RELAY, task], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    detached: true,
  });
}

function answerOf(relay: ChildProcess): Promise<RelayReport> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error("the relay between the namespaces ended"));
    relay.once("exit", onExit).once("message", (report: RelayReport) => {
      relay.off("exit", onExit);
      resolve(report);
    });
  });
}

async function untilUp(namespace: string, address: string): Promise<void> {
  const untilMs = performance.now() + UP_WITHIN_MS;
  while (!loose("ip", ["-n", namespace, "-4", "address"]).includes(address)) {
    if (performance.now() > untilMs) throw new Error(`socat made no TUN device in ${namespace}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const strict: RunCommand = (command, args) => {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr.trim()}`);
  return stdout;
};

const loose: RunCommand = (command, args) => spawnSync(command, args, { encoding: "utf8" }).stdout;
