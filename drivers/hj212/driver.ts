import type { Driver, DriverContext } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { checkPlainListen } from "../net/plain-listen.ts";
import { parseTcpAddress } from "../net/tcp-address.ts";
import { type Hj212Config, hj212Config } from "./config.ts";
import { Connection, type Doorkeeper, limit, subjectOf } from "./connection.ts";

const LOOK_EVERY_MS = 5000;
/** Of stations that are not listed so many are let in, until a restart: whoever makes numbers up shall not fill the memory. */
const MOST_UNKNOWN = 5000;

export const hj212: Driver<typeof hj212Config> = {
  kind: "hj212",
  config: hj212Config,

  check(config) {
    const faults = checkPlainListen(config);
    if (config.acceptUnknown || Object.keys(config.stations ?? {}).length > 0) return faults;
    return [
      ...faults,
      {
        pointer: "/stations",
        message: "no station would be let in",
        hint: "List the stations by their number (MN), or set acceptUnknown: true.",
      },
    ];
  },

  async run(config, context) {
    const { clock, signal } = context;
    await using listener = await context.listenTcp(parseTcpAddress(config.listen));
    const connections = new Set<Connection>();
    const door = doorkeeper(config, context);
    const done = new AbortController();
    const looking = (async () => {
      const either = AbortSignal.any([signal, done.signal]);
      while (!either.aborted) {
        await clock.sleep(LOOK_EVERY_MS, either);
        for (const connection of connections) await connection.tick(clock.upMs());
      }
    })();
    try {
      for await (const link of listener) {
        const connection = new Connection(link, config, context, door);
        if (connections.size >= config.maxConnections) {
          await connection.shut(limit(`${link.peer} is one more than ${config.maxConnections} connections`));
          continue;
        }
        connections.add(connection);
        connection
          .serve()
          // A station that hangs up is silent after a while; that is its health, not a fault of the listener.
          .catch((error: unknown) => {
            if (!(error instanceof DriverError)) context.fault(brokenConnection(error));
          })
          .finally(async () => {
            connections.delete(connection);
            door.leave(connection);
            await link[Symbol.asyncDispose]();
          });
      }
    } finally {
      done.abort();
      await looking;
    }
  },
};

/** Knows the stations, and on which connection each reports: the newest one counts. */
function doorkeeper(config: Hj212Config, context: DriverContext): Doorkeeper & { leave(connection: Connection): void } {
  const { stations = {}, acceptUnknown } = config;
  const places = new Map<string, Connection>();
  const unknown = new Set<string>();
  return {
    refusal({ mn, password }, connection) {
      const station = Object.hasOwn(stations, mn) ? stations[mn] : undefined;
      if (station === undefined && !acceptUnknown) return { error: unknownStation(mn, connection), isKnown: false };
      if (station === undefined && !unknown.has(mn)) {
        if (unknown.size >= MOST_UNKNOWN) return { error: tooMany(mn, connection), isKnown: false };
        unknown.add(mn);
      }
      if (station?.password !== undefined && station.password !== password) {
        return { error: wrongPassword(mn, connection), isKnown: true };
      }
      const before = places.get(mn);
      if (before === connection) return undefined;
      places.set(mn, connection);
      connection.stations.add(mn);
      if (before === undefined) return undefined;
      before.stations.delete(mn);
      const error = replaced(before, connection);
      if (before.stations.size === 0) void before.shut(error, subjectOf(mn));
      else context.fault(error, subjectOf(mn));
      return undefined;
    },
    leave(connection) {
      for (const mn of connection.stations) if (places.get(mn) === connection) places.delete(mn);
    },
  };
}

function unknownStation(mn: string, { peer }: Connection): DriverError {
  return new DriverError("HJ212_STATION_UNKNOWN", `station ${mn} at ${peer} is not listed`, {
    retry: "backoff",
    hint: `Add ${mn} under \`stations\` if it is yours, or set acceptUnknown: true.`,
  });
}

function tooMany(mn: string, { peer }: Connection): DriverError {
  return limit(`station ${mn} at ${peer} is one more than ${MOST_UNKNOWN} that are not listed`);
}

function wrongPassword(mn: string, { peer }: Connection): DriverError {
  return new DriverError("HJ212_PASSWORD", `station ${mn} at ${peer} gives a wrong password`, {
    retry: "backoff",
    hint: "Its PW is not the one under `stations`: correct one of the two, or find out who that is.",
  });
}

function replaced(before: Connection, now: Connection): DriverError {
  return new DriverError("HJ212_REPLACED", `it now reports from ${now.peer}, and was at ${before.peer}`, {
    retry: "backoff",
    hint: "After a broken line this is normal. If it goes on, two stations have one number (MN).",
  });
}

function brokenConnection(error: unknown): DriverError {
  return new DriverError(
    "DRIVER_FAULT",
    `a connection broke: ${error instanceof Error ? error.message : String(error)}`,
    {
      retry: "backoff",
      hint: "This is a fault of the driver. Please report it with the log.",
      cause: error,
    },
  );
}
