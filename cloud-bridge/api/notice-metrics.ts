import { Gauge, type Registry } from "prom-client";
import { type Backlog, backlog } from "../dispatch/channels/outbox-views.ts";
import type { BridgeClock } from "../store/clock.ts";
import type { Db } from "../store/database.ts";

/** What is still to be told, by channel. A channel that has told all is not named. */
export function noticeMetrics(db: Db, clock: BridgeClock, registry: Registry): void {
  let asked: Promise<readonly Backlog[]> | undefined;
  // All gauges of one scrape share one look at the database.
  const look = (): Promise<readonly Backlog[]> => {
    asked ??= backlog(db).finally(() => {
      asked = undefined;
    });
    return asked;
  };
  const gauge = (name: string, help: string, read: (of: Backlog) => number): void => {
    new Gauge({
      ...{ name, help, labelNames: ["channel"], registers: [registry] },
      async collect() {
        const found = await look();
        this.reset();
        for (const of of found) this.set({ channel: of.channel }, read(of));
      },
    });
  };
  gauge("shao_bridge_notices_waiting", "Messages that nobody has proven delivered", ({ waiting }) => waiting);
  gauge("shao_bridge_notices_dead", "Messages that were given up", ({ dead }) => dead);
  gauge("shao_bridge_notices_oldest_waiting_seconds", "Age of the oldest that waits", ({ oldestWaitingAtMs: at }) =>
    at === undefined ? 0 : Math.max(0, clock.nowMs() - at) / 1000,
  );
}
