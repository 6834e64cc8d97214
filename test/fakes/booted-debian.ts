import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { scratchFolder, stopped, until } from "./rigs.ts";

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
  readonly #remove: () => void;

  private constructor(root: string, nspawn: ChildProcess, remove: () => void) {
    this.root = root;
    this.#nspawn = nspawn;
    this.#remove = remove;
  }

  static async boot(repository: string, suite = "bookworm"): Promise<BootedDebian> {
    const fresh = join(repository, ".cache", "package", `debian-${suite}`);
    if (!existsSync(fresh)) {
      const partial = `${fresh}.${process.pid}`;
      mkdirSync(join(repository, ".cache", "package"), { recursive: true });
      const made = spawnSync("mmdebstrap", [
        "--variant=minbase",
        `--include=${INCLUDED.join(",")}`,
        suite,
        partial,
        "http://deb.debian.org/debian",
      ]);
      if (made.status !== 0) throw new Error(`no Debian: ${String(made.stderr).slice(-500)}`);
      renameSync(partial, fresh);
    }
    const folder = scratchFolder();
    const root = join(folder.path, "root");
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
    const debian = new BootedDebian(root, nspawn, folder.remove);
    try {
      await until(() => /running|degraded/.test(debian.run("systemctl is-system-running || true").out), 120_000);
    } catch (error) {
      await debian.stop();
      throw error;
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
    const { status, stdout, stderr } = spawnSync("nsenter", [`--target=${this.#init}`, "--all", "sh", "-c", line], {
      encoding: "utf8",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" },
    });
    return { status, out: stdout, err: stderr };
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
    await until(() => this.#nspawn.exitCode !== null, 20_000).catch(() => stopped(this.#nspawn));
    rmSync(this.root, { recursive: true, force: true });
    this.#remove();
  }
}
