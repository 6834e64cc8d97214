import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";

const BOOT_MS = 120_000;
const END_MS = 20_000;
const LOOK_MS = 50;
const INCLUDED = ["systemd", "systemd-sysv", "dbus"];

/** What this machine lacks to boot a Debian of its own; undefined when nothing. */
export function whyNoDebian(): string | undefined {
  if (process.getuid?.() !== 0) return "booting a Debian needs root";
  const missing = ["mmdebstrap", "systemd-nspawn", "nsenter", "dpkg-deb"].filter(
    (program) => spawnSync("which", [program]).status !== 0,
  );
  return missing.length === 0 ? undefined : `missing: ${missing.join(", ")} (apt install mmdebstrap systemd-container)`;
}

/**
 * A fresh Debian with its own systemd and no network but loopback, in a folder that goes with it. The first one is fetched
 * from Debian's mirror and kept.
 */
export class BootedDebian {
  readonly root: string;
  readonly #nspawn: ChildProcess;
  readonly #folder: string;

  private constructor(root: string, nspawn: ChildProcess, folder: string) {
    this.root = root;
    this.#nspawn = nspawn;
    this.#folder = folder;
  }

  static async boot(repository: string, suite = "bookworm"): Promise<BootedDebian> {
    const fresh = join(repository, ".cache", "package", `debian-${suite}`);
    if (!existsSync(fresh)) {
      const partial = `${fresh}.${process.pid}`;
      mkdirSync(join(repository, ".cache", "package"), { recursive: true });
      // In a mount namespace of its own: killed midway it would leave this machine's /dev/shm mounted in a folder that somebody deletes.
      const made = spawnSync("unshare", [
        "--mount",
        "mmdebstrap",
        "--variant=minbase",
        `--include=${INCLUDED.join(",")}`,
        suite,
        partial,
        "http://deb.debian.org/debian",
      ]);
      if (made.status !== 0) throw new Error(`no Debian: ${String(made.stderr).slice(-500)}`);
      renameSync(partial, fresh);
    }
    const folder = mkdtempSync(join(tmpdir(), "shao-"));
    const root = join(folder, "root");
    spawnSync("cp", ["-a", "--reflink=auto", fresh, root]);
    writeFileSync(join(root, "etc", "hosts"), "127.0.0.1 localhost\n::1 localhost\n");
    const words = [
      `--directory=${root}`,
      `--machine=shao-${process.pid}`,
      "--boot",
      "--private-network",
      "--register=no",
      "--keep-unit",
      "--console=pipe",
    ];
    const nspawn = spawn("systemd-nspawn", words, { stdio: ["ignore", "ignore", "ignore"] });
    const debian = new BootedDebian(root, nspawn, folder);
    const startMs = performance.now();
    while (!/running|degraded/.test(debian.run("systemctl is-system-running || true").out)) {
      if (performance.now() - startMs > BOOT_MS) {
        await debian.stop();
        throw new Error(`the Debian did not boot within ${BOOT_MS} ms`);
      }
      await wait(LOOK_MS);
    }
    return debian;
  }

  /** Its process 1, as this machine counts; the first child of all is one that only prepares. */
  get #init(): string {
    return (
      readFileSync(`/proc/${this.#nspawn.pid}/task/${this.#nspawn.pid}/children`, "utf8").trim().split(" ")[0] || "0"
    );
  }

  /** Runs a shell line inside, as root. */
  run(line: string): { readonly status: number | null; readonly out: string; readonly err: string } {
    const [program, words, options] = this.shell(line);
    const { status, stdout, stderr } = spawnSync(program, words, { ...options, encoding: "utf8" });
    return { status, out: stdout, err: stderr };
  }

  /** What to spawn for a shell line inside, as root, in the language of `lang`. */
  shell(
    line: string,
    lang = "C.UTF-8",
  ): readonly [program: string, words: string[], options: { env: NodeJS.ProcessEnv }] {
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: lang, DEBIAN_FRONTEND: "noninteractive" };
    return ["nsenter", [`--target=${this.#init}`, "--all", "sh", "-c", line], { env }];
  }

  /** Words before a command that put a program of this machine onto the other one's network. */
  get onItsNetwork(): readonly string[] {
    return ["nsenter", `--target=${this.#init}`, "--net"];
  }

  /** A file for it, under its /root. */
  give(path: string, name: string): void {
    cpSync(path, join(this.root, "root", name));
  }

  async stop(): Promise<void> {
    this.run("systemctl poweroff --force --force || true");
    if (this.#nspawn.exitCode === null && this.#nspawn.signalCode === null) {
      const kill = setTimeout(() => this.#nspawn.kill("SIGKILL"), END_MS);
      await once(this.#nspawn, "exit");
      clearTimeout(kill);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
