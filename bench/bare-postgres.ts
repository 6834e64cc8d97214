import process from "node:process";
import pg from "pg";
import type { PostgresAddress } from "../cloud-bridge/store/postgres-connection.ts";

const ROWS = 64;
const COLUMNS = 14;

/**
 * What the database alone can take: the inbox's row and its two indexes, 64 rows a prepared statement, a durable transaction
 * for every `perCommit` of them, over one connection. Nothing is unpacked, hashed, read or checked.
 */
export async function barePostgres(
  address: PostgresAddress,
  records: readonly Uint8Array[],
  perCommit: number,
): Promise<{ readonly perS: number; readonly perProcessorS: number }> {
  const client = new pg.Client({ ...address });
  await client.connect();
  try {
    await client.query(`
      DROP TABLE IF EXISTS bare;
      CREATE TABLE bare (
        node TEXT NOT NULL, run TEXT NOT NULL, seq BIGINT NOT NULL, received_at_ms BIGINT NOT NULL,
        kind TEXT NOT NULL, device TEXT, subject_type TEXT, subject_id TEXT,
        up_ms BIGINT NOT NULL, at_ms BIGINT NOT NULL, corrected_at_ms BIGINT, time_quality TEXT NOT NULL,
        sha256 TEXT NOT NULL, bytes BYTEA NOT NULL, PRIMARY KEY (node, run, seq));
      CREATE INDEX bare_by_series ON bare (node, device, kind, at_ms);`);
    const values = Array.from({ length: ROWS }, (_, row) => {
      return `(${Array.from({ length: COLUMNS }, (__, column) => `$${row * COLUMNS + column + 1}`).join(",")})`;
    });
    const text = `INSERT INTO bare VALUES ${values.join(",")}`;
    const sha256 = "0".repeat(64);
    const whole = records.slice(0, records.length - (records.length % ROWS));
    const processor = process.cpuUsage();
    const startedMs = performance.now();
    for (let at = 0; at < whole.length; at += perCommit) {
      await client.query("BEGIN");
      for (let from = at; from < Math.min(at + perCommit, whole.length); from += ROWS) {
        const parameters = whole.slice(from, from + ROWS).flatMap((bytes, index) => {
          const seq = from + index + 1;
          const atMs = 1_763_500_000_000 + seq * 60_000;
          return ["bench", "run", seq, atMs, "noise", "noise-01", null, null, seq, atMs, atMs, "ntp", sha256, bytes];
        });
        await client.query({ name: "bare", text, values: parameters });
      }
      await client.query("COMMIT");
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const { user, system } = process.cpuUsage(processor);
    return { perS: whole.length / seconds, perProcessorS: whole.length / ((user + system) / 1e6) };
  } finally {
    await client.end();
  }
}
