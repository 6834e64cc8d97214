import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { BootedDebian, whyNoDebian } from "../../scripts/first-level/booted-debian.ts";
import { hasRig, scratchFolder, startPymodbus } from "../fakes/rigs.ts";
import { ROOT } from "../repo/source-tree.ts";

const MINUTES = 60_000;
/** Time that a step of the other machine may take; the tests run beside others. */
const STEP_MS = 3 * MINUTES;
const arch = process.arch === "arm64" ? "arm64" : "amd64";
const reason = whyNoDebian() ?? (hasRig("pymodbus") ? undefined : "python3-pymodbus is missing");
if (reason !== undefined && process.env["CI"] !== undefined) throw new Error(reason);

vi.setConfig({ testTimeout: 2 * STEP_MS });
const folder = scratchFolder();
/** Packages that are made already, to save time while working on this test. */
const made = process.env["SHAO_PACKAGES"] ?? join(folder.path, "made");
const ends: (() => Promise<void> | void)[] = [folder.remove];
let debian: BootedDebian;

const GATEWAY = `node: site-042
site: { name: Guanghua Road block 7, timeZone: Asia/Shanghai }
bridge: { url: "mqtts://localhost:8883" }
state: ./state/site-042
health: { port: 9180 }
buses: { rs485: { tcp: "127.0.0.1:15020", framing: tcp } }
devices:
  noise-01: { driver: modbus-noise, bus: rs485, unit: 1, profile: sonbest-sm7901b, periodMs: 1000 }
rules: {}
`;
const BRIDGE = `listen: { host: 127.0.0.1, publicHost: localhost, mqtt: 8883, http: 8443 }
state: ./state/bridge
store: sqlite
timeZone: Asia/Shanghai
`;

function pack(...words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("scripts/package", ["--out", made, ...words], {
    cwd: ROOT,
    encoding: "utf8",
  });
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

const deb = (version: string) => `shao_${version}_${arch}.deb`;

beforeAll(async () => {
  if (reason !== undefined) return;
  if (process.env["SHAO_PACKAGES"] === undefined) {
    mkdirSync(made, { recursive: true });
    pack("--level", "0", "--version", "0.1.0", "--verify");
    pack("--level", "0", "--version", "0.1.1");
  }
  debian = await BootedDebian.boot(ROOT);
  ends.push(() => debian.stop());
  for (const version of ["0.1.0", "0.1.1"]) debian.give(join(made, deb(version)), deb(version));
  const slave = startPymodbus("tcp", "15020", debian.onItsNetwork);
  ends.push(() => slave.stop());
}, 30 * MINUTES);

afterAll(async () => {
  for (const end of ends.reverse()) await end();
}, 4 * MINUTES);

/** A line that must succeed; @returns its stdout. */
function well(line: string): string {
  const { status, out, err } = debian.run(line);
  expect({ line, status, said: status === 0 ? "" : `${out}${err}` }).toEqual({ line, status: 0, said: "" });
  return out.trim();
}

async function becomes(line: string, wanted: RegExp): Promise<void> {
  const startMs = performance.now();
  for (let out = ""; !wanted.test(out); await wait(500)) {
    out = debian.run(line).out;
    if (performance.now() - startMs > STEP_MS) {
      expect(`${out}\n${debian.run("journalctl -n 30 --no-pager -o cat").out}`).toMatch(wanted);
    }
  }
}

const status = (half: string) => `systemctl show -P StatusText shao-${half}`;
const inside = (script: string) => `/usr/lib/shao/bin/node -e '${script}'`;

const here = test.skipIf(reason !== undefined);

here("a fresh Debian without a network needs nothing but the .deb, and nothing starts before it has a config", () => {
  const said = well(`dpkg --install /root/${deb("0.1.0")}`);
  expect(said).toContain("shao enroll");
  expect(said).toContain("哨");
  expect(well("shao --version")).toMatch(/^\d+\.\d+\.\d+$/);
  expect(well("systemctl is-enabled shao-gateway shao-bridge")).toBe("enabled\nenabled");
  expect(debian.run("systemctl is-active shao-gateway shao-bridge").out).toBe("inactive\ninactive\n");
  well("systemctl start shao-gateway shao-bridge");
  expect(debian.run("systemctl is-active shao-gateway shao-bridge").out).toBe("inactive\ninactive\n");
  expect(well("id -nG shao")).toContain("dialout");
  expect(well("ls /var/cache/shao/compile")).not.toBe("");
});

here(
  "the way that its message says leads to the first live level, by a meter that we did not write",
  async () => {
    writeFileSync(join(debian.root, "root/bridge.yaml"), BRIDGE);
    writeFileSync(join(debian.root, "root/gateway.yaml"), GATEWAY);
    well("cp /root/bridge.yaml /root/gateway.yaml /etc/shao/");
    well("shao check /etc/shao/bridge.yaml && shao check /etc/shao/gateway.yaml");
    well("shao bridge init");
    well("systemctl start shao-bridge");
    const command = well("shao node add site-042");
    const [, url = "", token = ""] = /enroll (\S+) ([^\s"]+)/.exec(command) ?? [];
    well(`shao enroll ${url} ${token}`);
    well("systemctl start shao-gateway");
    await becomes(status("gateway"), /1 of 1 devices online, connected/);
    await becomes(status("bridge"), /1 nodes connected/);
    const health = inside(
      'fetch("http://127.0.0.1:9180/health").then((r) => r.json()).then((h) => console.log(JSON.stringify(h)))',
    );
    expect(JSON.parse(well(health))).toMatchObject({ status: "ok", devices: { "noise-01": { state: "online" } } });
    const noise = inside(
      `const { default: D } = require("/usr/lib/shao/node_modules/better-sqlite3"); const d = new (D ?? require("/usr/lib/shao/node_modules/better-sqlite3"))("/var/lib/shao/state/bridge/bridge.sqlite", { readonly: true }); console.log(d.prepare("select count(*) as n from inbox where kind = ?").get("noise").n)`,
    );
    await becomes(noise, /^[1-9]/);
  },
  2 * STEP_MS,
);

here(
  "a gateway that stands still is ended by the watchdog and started anew",
  async () => {
    well("mkdir -p /etc/systemd/system/shao-gateway.service.d");
    well("printf '[Service]\\nWatchdogSec=8\\n' > /etc/systemd/system/shao-gateway.service.d/test.conf");
    well("systemctl daemon-reload && systemctl restart shao-gateway");
    const main = well("systemctl show -P MainPID shao-gateway");
    well(`kill -STOP ${main}`);
    await becomes("systemctl show -P NRestarts shao-gateway", /^[1-9]/);
    await becomes(status("gateway"), /1 of 1 devices online, connected/);
    expect(well("journalctl -u shao-gateway --no-pager -o cat")).toMatch(/[Ww]atchdog/);
    well("rm -r /etc/systemd/system/shao-gateway.service.d && systemctl daemon-reload");
  },
  2 * STEP_MS,
);

here("the units are well formed and locked down", () => {
  expect(well("systemd-analyze verify shao-gateway.service shao-bridge.service 2>&1")).toBe("");
  for (const half of ["gateway", "bridge"]) {
    const out = well(`systemd-analyze security --no-pager shao-${half}.service`);
    const [, exposure = "10"] = /Overall exposure level for \S+: ([\d.]+)/.exec(out) ?? [];
    process.stderr.write(`systemd-analyze security shao-${half}: ${exposure}\n`);
    expect(Number(exposure)).toBeLessThan(2.5);
  }
});

here(
  "an upgrade keeps what was edited, and goes on with the same records",
  async () => {
    well(`sed -i 's/level info/level warn/' /etc/default/shao-gateway`);
    const before = well("sha256sum /etc/default/shao-gateway /etc/shao/gateway.yaml");
    well(`dpkg --install /root/${deb("0.1.1")}`);
    expect(well("dpkg --status shao")).toContain("Version: 0.1.1");
    expect(well("sha256sum /etc/default/shao-gateway /etc/shao/gateway.yaml")).toBe(before);
    await becomes(status("gateway"), /1 of 1 devices online, connected/);
    well("shao journal verify /var/lib/shao/state/site-042");
  },
  2 * STEP_MS,
);

here(
  "what root does for the bridge works from anywhere and leaves nothing of root's behind, also a backup and its restore",
  async () => {
    well("cd /root && shao backup bridge --config config/bridge.yaml --out backup --verify");
    well("cd /root && shao backup gateway state/site-042 --out backup-of-a-box");
    expect(JSON.parse(well("cd /root && shao source add Hotline --source hotline-12345"))).toMatchObject({
      token: expect.any(String),
    });
    expect(well("cd /root && shao catalogue ls && shao source ls")).toContain("hotline-12345");
    well("systemctl stop shao-bridge");
    // As docs/operations.md says it.
    well(
      "cd /var/lib/shao/state/bridge && mkdir /root/aside && mv bridge.sqlite* /root/aside/ && cp /root/backup/bridge.sqlite . && if [ -d /root/backup/blobs ]; then cp -R /root/backup/blobs .; fi",
    );
    well("chown -R shao:shao /var/lib/shao/state && systemctl start shao-bridge");
    await becomes(status("bridge"), /1 nodes connected/);
    expect(well("find /var/lib/shao ! -user shao ! -type l")).toBe("");
    // The token is younger than the backup.
    expect(well("shao source ls")).toBe("");
  },
  2 * STEP_MS,
);

here("removing it ends the halves and keeps config and state; purging removes both", () => {
  well("dpkg --remove shao");
  expect(debian.run("pgrep -u shao").out).toBe("");
  expect(existsSync(join(debian.root, "usr/lib/shao"))).toBe(false);
  expect(readdirSync(join(debian.root, "etc/shao")).sort()).toEqual(["bridge.yaml", "gateway.yaml"]);
  expect(statSync(join(debian.root, "var/lib/shao/state/site-042/journal.sqlite")).size).toBeGreaterThan(0);
  expect(readFileSync(join(debian.root, "etc/default/shao-gateway"), "utf8")).toContain("level warn");
  well("dpkg --purge shao");
  for (const gone of ["etc/shao", "etc/default/shao-gateway", "var/lib/shao", "var/cache/shao"]) {
    expect(existsSync(join(debian.root, gone)), gone).toBe(false);
  }
});

here(
  "the archive runs where it is unpacked, without a network, to its first level",
  () => {
    const at = join(folder.path, "opt");
    mkdirSync(at);
    const archive = join(made, `shao-0.1.0-linux-${arch}.tar.xz`);
    expect(spawnSync("tar", ["-xJf", archive, "-C", at, "--strip-components=1"]).status).toBe(0);
    const config = join(at, "gateway.yaml");
    writeFileSync(config, GATEWAY.replace("./state", join(at, "state")));
    const slave = join(at, "slave.sh");
    writeFileSync(
      slave,
      `set -e
ip link set lo up
${at}/scripts/shao gateway --config ${config} --log-level warn & gateway=$!
trap 'kill $gateway; wait $gateway' EXIT
for i in $(seq 240); do
  sleep 0.5
  if ${at}/bin/node -e 'fetch("http://127.0.0.1:9180/health").then((r) => r.json()).then((h) => process.exit(h.devices["noise-01"].state === "online" ? 0 : 1), () => process.exit(1))'; then echo online; exit 0; fi
done
exit 1
`,
    );
    const meter = `import asyncio
from pymodbus.server import StartAsyncTcpServer
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusSlaveContext, ModbusServerContext
regs = ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, [0] + [536] * 100), zero_mode=False)
asyncio.run(StartAsyncTcpServer(context=ModbusServerContext(slaves={1: regs}, single=False), address=("127.0.0.1", 15020)))
`;
    writeFileSync(join(at, "meter.py"), meter);
    // In its own process namespace, so that the meter goes with the shell.
    const { stdout, stderr } = spawnSync(
      "unshare",
      [
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
        "bash",
        "-c",
        `/usr/bin/python3 ${at}/meter.py & exec bash ${slave}`,
      ],
      { encoding: "utf8", timeout: STEP_MS },
    );
    expect(`${stdout}${stdout.includes("online") ? "" : stderr}`).toContain("online");
  },
  2 * STEP_MS,
);
