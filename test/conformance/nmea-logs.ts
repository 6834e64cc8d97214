import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compareLog, gpsdFaults } from "./compare-log.ts";

/** Its records are gpsd's of that day: other releases report other epochs, and known-differences.json does not fit them. */
const SOURCE = "https://github.com/ntpsec/gpsd/archive/46977faa8f94eb036ca68c24a3fc0d233732e707.tar.gz";
const USAGE = `usage: node test/conformance/nmea-logs.ts [FOLDER] [--url ARCHIVE] [--json]

Runs our NMEA decoder over the receiver logs that gpsd's authors test with, and compares each with gpsd's own record of it.
FOLDER holds *.log and *.log.chk (test/daemon of gpsd's source); without it the source is downloaded from --url
(${SOURCE}). Exit code 1: a log differs without being known to.
`;

/** Logs that differ and may, each for its reason and by so many positions at most; see docs/conformance.md. */
const known: Readonly<Record<string, KnownDifference>> = JSON.parse(
  readFileSync(new URL("known-differences.json", import.meta.url), "utf8"),
);

interface KnownDifference {
  readonly invented: number;
  readonly missed: number;
  readonly otherTime: number;
  readonly why: string;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { url: { type: "string", default: SOURCE }, json: { type: "boolean" }, help: { type: "boolean" } },
});
if (values.help === true) {
  process.stdout.write(USAGE);
} else if (positionals[0] === undefined) {
  const scratch = mkdtempSync(join(tmpdir(), "shao-conformance-"));
  try {
    process.exitCode = run(await download(values.url, scratch), values.json === true);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
} else {
  process.exitCode = run(positionals[0], values.json === true);
}

function run(folder: string, asJson: boolean): number {
  const logs = readdirSync(folder).filter((name) => name.endsWith(".log"));
  const checked = logs.filter((name) => statSync(join(folder, `${name}.chk`), { throwIfNoEntry: false }) !== undefined);
  let withPositions = 0;
  let agreeing = 0;
  let positions = 0;
  let reports = 0;
  let reportFaults = 0;
  const unexplained: string[] = [];
  for (const name of checked.toSorted()) {
    const check = readFileSync(join(folder, `${name}.chk`), "utf8");
    const log = readFileSync(join(folder, name));
    // A log in a maker's binary protocol has nothing for us.
    if (!/\$(?:G[A-Z]|BD|QZ)(?:RMC|GGA|GNS|GLL),/.test(log.toString("latin1"))) continue;
    const verdict = compareLog(log, check);
    const faults = gpsdFaults(check);
    reports += check.split("\n").filter((line) => line.startsWith('{"class":"')).length;
    reportFaults += faults.length;
    const { ours, theirs, invented, missed, otherTime, unsaid } = verdict;
    if (ours === 0 && theirs === 0) continue;
    withPositions++;
    positions += ours;
    const differing = { invented: invented.length, missed: missed.length, otherTime: otherTime.length };
    const counts = { ours, theirs, ...differing, unsaid: unsaid.length };
    const agrees = invented.length + missed.length + otherTime.length + unsaid.length === 0;
    const explained = known[name];
    const isExplained =
      explained !== undefined &&
      unsaid.length === 0 &&
      differing.invented <= explained.invented &&
      differing.missed <= explained.missed &&
      differing.otherTime <= explained.otherTime;
    if (agrees) agreeing++;
    else if (!isExplained) unexplained.push(name);
    if (agrees && !asJson) continue;
    const why = agrees ? undefined : isExplained ? explained.why : "not explained";
    process.stdout.write(`${JSON.stringify({ log: name, agrees, ...counts, ...(why !== undefined && { why }) })}\n`);
  }
  const summary = {
    logs: checked.length,
    withPositions,
    agreeing,
    explained: withPositions - agreeing - unexplained.length,
  };
  process.stdout.write(
    `${JSON.stringify({ ...summary, unexplained: unexplained.length, positions, gpsdReports: reports, gpsdReportFaults: reportFaults })}\n`,
  );
  if (checked.length === 0) process.stderr.write(`no *.log with a *.log.chk beside it in ${folder}\n`);
  return checked.length === 0 || unexplained.length > 0 ? 1 : 0;
}

async function download(url: string, scratch: string): Promise<string> {
  process.stderr.write(`fetching ${url}\n`);
  const answer = await fetch(url, { signal: AbortSignal.timeout(120_000) });
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}: give another one with --url, or a folder`);
  const archive = join(scratch, "gpsd.tar");
  writeFileSync(archive, new Uint8Array(await answer.arrayBuffer()));
  const unpacked = spawnSync("tar", ["-x", "-f", archive, "-C", scratch, "--wildcards", "*/test/daemon/*"]);
  if (unpacked.status !== 0) throw new Error(`tar could not unpack it: ${String(unpacked.stderr)}`);
  const [root] = readdirSync(scratch).filter((name) => statSync(join(scratch, name)).isDirectory());
  return join(scratch, root ?? "", "test/daemon");
}
