import "reflect-metadata";
import { type ChildProcess, spawn } from "node:child_process";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import * as x509 from "@peculiar/x509";
import Sqlite from "better-sqlite3";
import { freePorts } from "../cli/sim/free-port.ts";
import { LocalSystem } from "../cli/sim/local-system.ts";
import { openAuthority } from "../cloud-bridge/fleet/authority.ts";
import { endWithUs } from "./children.ts";
import { type CustodyPart, row } from "./custody-part.ts";
import { type FleetPlan, fleetNode } from "./node-fleet.ts";
import { residentBytes, startShao, stopped, watched } from "./process-figures.ts";
import type { BenchRow } from "./report.ts";

const NODES = Number(process.env["SHAO_BENCH_NODES"] ?? 5000);
const PROCESSES = 2;
const CONNECT_WITHIN_MS = 1_800_000;
const SETTLE_S = 20;
const MEASURED_S = 10;
const MB = 1e6;
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

type Tls = { readonly ca: string; readonly key: string; readonly certificates: readonly string[] };
interface Figures {
  readonly rssMb: number;
  readonly emptyMb: number;
  readonly connected: number;
  readonly processorPct: number;
  readonly connectS: number;
}

export const nodesPart: CustodyPart = {
  what: `memory of a bridge with ${NODES} connected nodes, plain, beside bare aedes`,
  run: () => measured(false),
};

export const nodesMtlsPart: CustodyPart = {
  what: `the same with mTLS, each node with a certificate of its own`,
  run: () => measured(true),
};

async function measured(hasTls: boolean): Promise<readonly BenchRow[]> {
  const directory = mkdtempSync(join(tmpdir(), "shao-bench-nodes-"));
  try {
    // They only connect: without these a fault would be raised for each of them, and a case.
    const silence = { nodeSeconds: 86_400, deviceSeconds: 86_400, clockSeconds: 86_400 };
    const bridgeConfig = { silence, ...(hasTls ? {} : { insecureLoopback: true }) };
    const { system } = await LocalSystem.create({ directory, bridgeConfig });
    const tls = hasTls ? await certificates(system.bridgeState) : undefined;
    addNodes(system.bridgeState, tls?.fingerprints ?? []);
    const config = join(directory, "bridge.yaml");
    const bridge = await loaded("the bridge", directory, system.mqttPort, tls, () =>
      startShao(["bridge", "--config", config, "--log-level", "error"]),
    );
    const [port = 0] = await freePorts(1);
    const bare = await loaded("bare aedes", directory, port, tls, () => {
      const files = tls === undefined ? [] : tls.files;
      const args = [here("bare-broker.ts"), String(port), ...files];
      return spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    });
    const what = `${bridge.connected} connected nodes, ${hasTls ? "mTLS" : "plain"}`;
    const peer = "peer: bare aedes, the same clients";
    return [
      row(`${what}: resident memory`, bridge.rssMb, "MB", {
        goal: hasTls ? 600 : 200,
        peer: bare.rssMb,
        note: `highest of ${MEASURED_S} s, ${bridge.emptyMb.toFixed(0)} MB before anybody connected; ${peer} (${bare.emptyMb.toFixed(0)} MB before)`,
      }),
      row(`${what}: each`, ((bridge.rssMb - bridge.emptyMb) * 1000) / bridge.connected, "kB", {
        peer: ((bare.rssMb - bare.emptyMb) * 1000) / bare.connected,
        note: peer,
      }),
      row(`${what}: processor`, bridge.processorPct, "% of a core", {
        peer: bare.processorPct,
        note: `pings each minute, nothing measured; ${peer}`,
      }),
      row(`${what}: until all were in`, bridge.connectS, "s", {
        peer: bare.connectS,
        note: "clients on the same cores",
      }),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Starts a server, connects all nodes from other processes, and measures it. */
async function loaded(
  what: string,
  directory: string,
  port: number,
  tls: Tls | undefined,
  start: () => ChildProcess,
): Promise<Figures> {
  const server = start();
  endWithUs(server);
  const fleets: ChildProcess[] = [];
  try {
    await wait(SETTLE_S * 1000);
    const pid = server.pid ?? 0;
    const emptyMb = residentBytes(pid) / MB;
    const startedMs = performance.now();
    const each = Math.ceil(NODES / PROCESSES);
    const connected = await Promise.all(
      Array.from({ length: PROCESSES }, (_, index) => {
        const [first, count] = [index * each, Math.min(each, NODES - index * each)];
        const certificates = tls?.certificates.slice(first, first + count) ?? [];
        const plan: FleetPlan = { port, first, count, ...(tls && { tls: { ca: tls.ca, key: tls.key, certificates } }) };
        return fleetOf(plan, join(directory, `fleet-${index}.json`), fleets);
      }),
    );
    const connectS = (performance.now() - startedMs) / 1000;
    process.stderr.write(`${what}: ${connected.join(" + ")} nodes after ${Math.round(connectS)} s\n`);
    await wait(SETTLE_S * 1000);
    const figures = await watched(server, what, MEASURED_S);
    return { ...figures, ...{ emptyMb, connectS }, connected: connected.reduce((sum, one) => sum + one, 0) };
  } finally {
    await Promise.all(fleets.map((fleet) => stopped(fleet, "SIGKILL")));
    await stopped(server);
  }
}

async function fleetOf(plan: FleetPlan, file: string, fleets: ChildProcess[]): Promise<number> {
  writeFileSync(file, JSON.stringify(plan));
  const child = spawn(process.execPath, [here("node-fleet.ts"), file], { stdio: ["ignore", "pipe", "inherit"] });
  endWithUs(child);
  fleets.push(child);
  const giveUp = setTimeout(() => child.kill("SIGKILL"), CONNECT_WITHIN_MS);
  const ended = once(child, "exit").then(() => Promise.reject(new Error("the nodes did not get in")));
  ended.catch(() => undefined);
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended]);
  clearTimeout(giveUp);
  return (JSON.parse(String(line)) as { connected: number }).connected;
}

/** A certificate for each node, by the bridge's own CA, over one key: the server pays for a certificate, not for its key. */
async function certificates(
  state: string,
): Promise<Tls & { readonly fingerprints: readonly string[]; readonly files: readonly string[] }> {
  const authority = openAuthority(state);
  await authority.serverTls(["127.0.0.1"], Date.now());
  x509.cryptoProvider.set(webcrypto);
  const algorithm = { name: "ECDSA", namedCurve: "P-256" } as const;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    ...{ name: [{ CN: ["bench"] }], keys, signingAlgorithm: { name: "ECDSA", hash: "SHA-256" } },
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const all: { readonly certificatePem: string; readonly fingerprint: string }[] = [];
  for (let index = 0; index < NODES; index += 1) {
    all.push(await authority.issueNode(fleetNode(index), csr.toString("pem"), Date.now()));
  }
  return {
    ca: authority.caPem,
    key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`,
    certificates: all.map(({ certificatePem }) => certificatePem),
    fingerprints: all.map(({ fingerprint }) => fingerprint),
    files: ["server.pem", "server.key", "ca.pem"].map((name) => join(state, "trust", name)),
  };
}

/** As enrolment leaves them. */
function addNodes(state: string, fingerprints: readonly string[]): void {
  const db = new Sqlite(join(state, "bridge.sqlite"));
  const put = db.prepare("INSERT INTO nodes (id, created_at_ms, paired_at_ms, certificate_sha256) VALUES (?, 0, 0, ?)");
  db.transaction(() => {
    for (let index = 0; index < NODES; index += 1) put.run(fleetNode(index), fingerprints[index] ?? null);
  })();
  db.close();
}
