import type { Db } from "./handle.ts";

/** A process's session stands under this and its id in pg_stat_activity: where there is none, the process is gone. */
export const SESSION_PREFIX = "shao worker ";

/** What the elected writer acts with, and only while it is elected. */
export interface Elected {
  /** On PostgreSQL the very connection that holds the lock: when it is lost, so is whatever was not committed on it. */
  readonly db: Db;
  /** Drawn anew at each election; read in each committing transaction, so that an older writer's receipts do not count. */
  readonly epoch: string;
}

/** One process among those of a bridge, one of which is the elected writer. */
export interface Candidacy {
  readonly elected: Elected | undefined;
  close(): Promise<void>;
}

export interface CandidacyNews {
  onElected(elected: Elected): void;
  /** The election is lost: the connection is gone. Another process may be elected already. */
  onLost(reason: string): void;
  /** This process was taken for dead in between, and is heard of again. */
  onBack(): void;
}
