import { join } from "node:path";
import Database from "better-sqlite3";
import type { SeqRange } from "../../protocol/session.ts";

type Row = Readonly<Record<string, unknown>>;

/** What stands in a bridge's database, read beside it. */
export interface BridgeData {
  rows(sql: string): Promise<readonly Row[]>;
}

/** SQLite's file; opened anew each time, since a fault may put another in its place. */
export function sqliteBridge(state: string): BridgeData {
  return {
    async rows(sql) {
      const db = new Database(join(state, "bridge.sqlite"), { readonly: true });
      try {
        return db.prepare(sql).all() as Row[];
      } finally {
        db.close();
      }
    },
  };
}

export async function epochOf(data: BridgeData): Promise<string> {
  const [row] = await data.rows("SELECT value FROM meta WHERE key = 'epoch'");
  return String(row?.["value"]);
}

/** By run: what the ledger calls stored. */
export async function storedRanges(data: BridgeData): Promise<ReadonlyMap<string, readonly SeqRange[]>> {
  const rows = await data.rows("SELECT run, stored FROM runs");
  return new Map(rows.map(({ run, stored }) => [String(run), JSON.parse(String(stored)) as SeqRange[]]));
}

export interface LedgerRow {
  readonly run: string;
  readonly head: number;
  readonly isListed: boolean;
  readonly stored: readonly SeqRange[];
  readonly declared: readonly SeqRange[];
}

/** All that an account asks of a bridge. */
export interface BridgeContent {
  readonly inbox: readonly {
    readonly run: string;
    readonly seq: number;
    readonly sha256: string;
    readonly bytes: Uint8Array;
  }[];
  readonly runs: readonly LedgerRow[];
  /** In how many cases each alarm stands. */
  readonly joins: ReadonlyMap<string, number>;
  /** Crews and cases with more than one active assignment. */
  readonly twice: readonly string[];
  readonly assignments: number;
  readonly cases: number;
  /** Files that the bridge calls stored. */
  readonly blobs: ReadonlySet<string>;
}

export async function contentOf(data: BridgeData): Promise<BridgeContent> {
  const count = async (table: string) => Number((await data.rows(`SELECT count(*) AS n FROM ${table}`))[0]?.["n"]);
  const twice = async (column: string) => {
    const sql = `SELECT ${column} AS id FROM assignments WHERE active = 1 GROUP BY ${column} HAVING count(*) > 1`;
    return (await data.rows(sql)).map(({ id }) => String(id));
  };
  const [inbox, runs, joins, blobs] = [
    await data.rows("SELECT run, seq, sha256, bytes FROM inbox"),
    await data.rows("SELECT run, head, listed, stored, declared FROM runs"),
    await data.rows("SELECT alarm_id, count(*) AS n FROM case_alarms GROUP BY alarm_id"),
    await data.rows("SELECT sha256 FROM blobs WHERE state = 'stored'"),
  ];
  return {
    inbox: inbox.map(({ run, seq, sha256, bytes }) => ({
      run: String(run),
      seq: Number(seq),
      sha256: String(sha256),
      bytes: bytes as Uint8Array,
    })),
    runs: runs.map(({ run, head, listed, stored, declared }) => ({
      run: String(run),
      head: Number(head),
      isListed: Number(listed) === 1,
      stored: JSON.parse(String(stored)) as SeqRange[],
      declared: JSON.parse(String(declared)) as SeqRange[],
    })),
    joins: new Map(joins.map(({ alarm_id, n }) => [String(alarm_id), Number(n)])),
    twice: [...(await twice("crew_id")), ...(await twice("case_id"))],
    assignments: await count("assignments"),
    cases: await count("cases"),
    blobs: new Set(blobs.map(({ sha256 }) => String(sha256))),
  };
}
