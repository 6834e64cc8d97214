import type { Relay } from "./relay.ts";
import type { Bus } from "./store/bus.ts";
import type { Candidacy } from "./store/candidacy.ts";
import type { Store } from "./store/database.ts";
import type { Logger } from "./store/logger.ts";
import type { PostgresAddress } from "./store/postgres-connection.ts";

/** Lets this process hear the others of its bridge, and them it. */
export async function joinOthers(options: {
  readonly address: PostgresAddress;
  readonly worker: string;
  readonly store: Store;
  readonly log: Logger;
  readonly relay: Relay;
  readonly onBack: () => void;
}): Promise<Bus> {
  const { address, worker, store, log, relay, onBack } = options;
  const { PostgresBus } = await import("./store/postgres-bus.ts");
  const bus = await PostgresBus.start({
    address,
    db: store.db,
    worker,
    log,
    onMessage: (message, from) => relay.hear(message, from),
    onBack,
  });
  relay.join(bus);
  return bus;
}

/** Stands for the election among the processes of one bridge. */
export async function standForElection(options: {
  readonly address: PostgresAddress;
  readonly worker: string;
  readonly isWorkerOnly: boolean;
  readonly log: Logger;
  readonly relay: Relay;
  readonly onElected: () => void;
}): Promise<Candidacy> {
  const { address, worker, isWorkerOnly, log, relay, onElected } = options;
  const { PostgresCandidacy } = await import("./store/postgres-candidacy.ts");
  return PostgresCandidacy.start({
    ...{ address, worker, isWorkerOnly },
    onElected({ epoch }) {
      log.info({ epoch, worker }, "elected: this process acts");
      onElected();
    },
    onLost: (reason) => log.error({ code: "ELECTION_LOST", reason, worker }, "another process may act now"),
    onBack: () => void relay.cutOwn().catch((error: unknown) => log.warn({ error: String(error) }, "nodes not cut")),
  });
}
