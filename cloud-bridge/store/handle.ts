import type { Kysely, Transaction } from "kysely";
import type { Tables } from "./schema.ts";

/** Inside a transaction use only its own handle: on one connection, asking `Db` for it there waits for ever. */
export type Db = Kysely<Tables>;
export type Trx = Transaction<Tables>;
