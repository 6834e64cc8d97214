import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { LocalSystem } from "../cli/sim/local-system.ts";
import { type CitySize, fillCity, nodeOf } from "./bridge-city.ts";
import type { CustodyPart } from "./custody-part.ts";
import { percentile } from "./percentile.ts";
import { residentBytes } from "./process-figures.ts";
import { type BenchRow, rounded } from "./report.ts";

const CITY: CitySize = { sites: 1_000, cases: 100_000, openCases: 300, minutes: 166_667 };
const DAY_MS = 86_400_000;
/** What people's pages ask for, again and again; and figures, now and then. */
const ASKED = 200;
const FIGURES_ASKED = 10;

export const apiPart: CustodyPart = {
  what: "pages of the API with 100,000 cases and 10 million levels, beside its own /health",
  run: apiRows,
};

async function apiRows(): Promise<readonly BenchRow[]> {
  const directory = mkdtempSync(join(tmpdir(), "shao-bridge-"));
  try {
    const nowMs = Date.now();
    process.stderr.write("a city: 1,000 sites, 100,000 cases, 10 million levels …\n");
    const { system, adminToken } = await LocalSystem.create({ directory });
    fillCity(system.bridgeState, CITY, nowMs);
    await using bridge = await system.startBridge(["--log-level", "warn"]);
    const admin = await system.signIn(adminToken);
    const bare = await times(ASKED, () => admin.call("GET", "/health"));
    const peer = "peer: GET /health of the same bridge";
    const rows: BenchRow[] = [];
    const figure = async (metric: string, count: number, pathOf: (n: number) => string) => {
      const taken = await times(count, (n) => admin.call("GET", pathOf(n)));
      const row = { unit: "ms", goal: null, limit: null };
      rows.push({
        ...row,
        metric: `${metric}, p50`,
        value: rounded(percentile(taken, 50)),
        peer: rounded(percentile(bare, 50)),
        note: peer,
      });
      rows.push({
        ...row,
        metric: `${metric}, p99`,
        value: rounded(percentile(taken, 99)),
        peer: rounded(percentile(bare, 99)),
        note: peer,
      });
      process.stderr.write(
        `${metric}: ${Math.round(percentile(taken, 50))} ms, p99 ${Math.round(percentile(taken, 99))} ms\n`,
      );
    };
    const year = `fromMs=${nowMs - 365 * DAY_MS}&toMs=${nowMs}`;
    const month = `fromMs=${nowMs - 30 * DAY_MS}&toMs=${nowMs}`;
    await figure("open cases, first page of 100", ASKED, () => "/api/v1/cases?open=true&limit=100");
    await figure("all cases, first page of 100", ASKED, () => "/api/v1/cases?limit=100");
    await figure("one case whole", ASKED, (n) => `/api/v1/cases/case-${1 + ((n * 7919) % CITY.cases)}`);
    await figure("alarms, first page of 100", ASKED, () => "/api/v1/alarms?limit=100");
    await figure("nodes, first page of 500", ASKED / 10, () => "/api/v1/nodes?limit=500");
    await figure("levels of one meter, an hour", ASKED, (n) => {
      const fromMs = nowMs - 2 * 3_600_000;
      return `/api/v1/nodes/${nodeOf(n % CITY.sites)}/levels?device=noise-01&fromMs=${fromMs}&toMs=${fromMs + 3_600_000}`;
    });
    await figure("three highs of a month", FIGURES_ASKED, () => `/api/v1/analysis/highs?${month}`);
    await figure("response of a year by unit", FIGURES_ASKED, () => `/api/v1/analysis/response?${year}&groupBy=unit`);
    rows.push({
      ...{ metric: "resident memory after that", value: rounded(residentBytes(bridge.pid) / 1e6), unit: "MB" },
      ...{ goal: null, peer: null, limit: null },
    });
    return rows;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Ten at a time, as ten pages would; each one's own time. */
async function times(count: number, ask: (n: number) => Promise<unknown>): Promise<readonly number[]> {
  const taken: number[] = [];
  let next = 0;
  const page = async () => {
    while (next < count) {
      const n = next++;
      const fromMs = performance.now();
      await ask(n);
      taken.push(performance.now() - fromMs);
    }
  };
  await Promise.all(Array.from({ length: Math.min(10, count) }, page));
  return taken;
}
