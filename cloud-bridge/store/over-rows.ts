import { type QueryResult, type RawBuilder, sql } from "kysely";
import { isPostgres } from "./dialect.ts";
import type { Db, Trx } from "./handle.ts";
import { compiledOnce } from "./prepared.ts";

/** As PostgreSQL calls them. */
type ColumnType = "text" | "bigint" | "double precision";

/** Stands for the values of one column, or for all rows as JSON where no column is named. */
class Given {
  readonly column: string | undefined;

  constructor(column?: string) {
    this.column = column;
  }
}

/**
 * One statement over many rows of values, where a loop would ask the database once a row: on PostgreSQL each row saves a
 * round trip. The text is built and compiled once for each kind of database, and does not depend on how many rows there are.
 * Without rows nothing is asked.
 * @param columns of each row, in the types that PostgreSQL is to read them as
 * @param build the statement, which names `given`, a table expression of that name, exactly once
 */
export function overRows<V extends object, O = unknown>(
  columns: { readonly [K in keyof V & string]: ColumnType },
  build: (given: RawBuilder<unknown>, db: Db | Trx) => RawBuilder<O>,
): (db: Db | Trx, rows: readonly V[]) => Promise<QueryResult<O>> {
  const names = Object.keys(columns) as (keyof V & string)[];
  const compiled = compiledOnce((db) => build(isPostgres(db) ? arrays(columns) : json(names), db).compile(db));
  return async (db, rows) => {
    if (rows.length === 0) return { rows: [] };
    const query = compiled(db);
    const parameters = query.parameters.map((value) => {
      if (!(value instanceof Given)) return value;
      const { column } = value;
      if (column !== undefined) return rows.map((row) => row[column as keyof V]);
      return JSON.stringify(rows.map((row) => names.map((name) => row[name])));
    });
    return db.executeQuery({ ...query, parameters });
  };
}

function arrays(columns: Readonly<Record<string, ColumnType>>): RawBuilder<unknown> {
  const each = Object.entries(columns).map(([name, type]) => sql`${new Given(name)}::${sql.raw(type)}[]`);
  return sql`unnest(${sql.join(each)}) as given (${sql.join(Object.keys(columns).map((name) => sql.ref(name)))})`;
}

function json(names: readonly string[]): RawBuilder<unknown> {
  const each = names.map((name, index) => sql`value ->> ${sql.lit(index)} as ${sql.ref(name)}`);
  return sql`(select ${sql.join(each)} from json_each(${new Given()})) as given`;
}
