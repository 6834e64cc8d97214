import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as later } from "node:timers/promises";

const START_MS = 30_000;
const PATH = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"].find((path) => existsSync(path));

/** Why there is no Mosquitto on this machine, and how to get it; undefined: there is one. */
export function mosquittoLacks(): string | undefined {
  return PATH === undefined
    ? "mosquitto is missing: scripts/setup --test installs it (apt-get install mosquitto)"
    : undefined;
}

/** Debian's Mosquitto, as a child. */
export class Mosquitto {
  readonly #config: string;
  readonly #port: number;
  #child: ChildProcess | undefined;
  #said = "";

  /** @param port one on which it listens when it is ready */
  constructor(config: string, port: number) {
    this.#config = config;
    this.#port = port;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The last that it said. */
  get said(): string {
    return this.#said;
  }

  async start(): Promise<void> {
    if (PATH === undefined) throw new Error(mosquittoLacks());
    const child = spawn(PATH, ["-c", this.#config], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        this.#said = (this.#said + chunk.toString()).slice(-20_000);
      });
    }
    for (const untilMs = Date.now() + START_MS; !(await isOpen(this.#port)); await later(50)) {
      if (child.exitCode !== null || Date.now() > untilMs) throw new Error(`mosquitto does not listen: ${this.#said}`);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** SIGKILL: sessions, subscriptions and retained messages are gone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    // One that was stopped hears nothing else.
    child.kill("SIGCONT");
    await exited;
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
