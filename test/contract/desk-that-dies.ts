import { DEFAULT_DESK } from "../../cloud-bridge/cases/settings.ts";
import { createDesk } from "../../cloud-bridge/dispatch/desk.ts";
import { openStore } from "../../cloud-bridge/store/database.ts";
import { armFaultPoint } from "../../cloud-bridge/store/fault-points.ts";
import { silentLogger } from "../../cloud-bridge/store/logger.ts";
import type { PostgresAddress } from "../../cloud-bridge/store/postgres-connection.ts";
import { openPostgresStore } from "../../cloud-bridge/store/postgres-store.ts";

/** A process of its own: works off what waits in the database that it is told of, and kills itself (SIGKILL) at a point. */
interface Told {
  readonly state: string;
  readonly address?: PostgresAddress;
  readonly nowMs: number;
  readonly point: string;
}

const { state, address, nowMs, point } = JSON.parse(process.argv[2] ?? "") as Told;
const store = address === undefined ? openStore({ state, nowMs }) : await openPostgresStore({ address, nowMs });
const desk = createDesk({
  db: store.db,
  clock: { nowMs: () => nowMs, upMs: () => 0 },
  settings: { ...DEFAULT_DESK, dispatch: { policy: "auto", afterSeconds: 0 } },
  faultPoints: armFaultPoint(point),
  log: silentLogger,
  publish: () => {},
});
await desk.wake();
