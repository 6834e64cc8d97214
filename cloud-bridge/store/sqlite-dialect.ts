import type Sqlite from "better-sqlite3";
import { CompiledQuery, type DatabaseConnection, type Driver, SqliteDialect, SqliteDriver } from "kysely";

const CACHED_STATEMENTS = 400;

class ImmediateDriver extends SqliteDriver {
  /** A deferred transaction that turns into a writer cannot wait for another process: it fails at once with SQLITE_BUSY. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }
}

/** Kysely over one connection: transactions begin as writers, and each SQL text is prepared once. */
export class ImmediateSqliteDialect extends SqliteDialect {
  readonly #file: Sqlite.Database;

  constructor(file: Sqlite.Database) {
    super({ database: file });
    this.#file = file;
  }

  override createDriver(): Driver {
    const file = this.#file;
    const cache = new Map<string, Sqlite.Statement<unknown[]>>();
    return new ImmediateDriver({
      database: {
        close: () => void file.close(),
        prepare(sql: string) {
          const known = cache.get(sql);
          if (known !== undefined && !known.busy) return known;
          const statement = file.prepare<unknown[]>(sql);
          if (cache.size >= CACHED_STATEMENTS) cache.clear();
          cache.set(sql, statement);
          return statement;
        },
      },
    });
  }
}
