import type { Driver } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { checkPlainListen } from "../net/plain-listen.ts";
import { parseTcpAddress } from "../net/tcp-address.ts";
import { jt808Config } from "./config.ts";
import { Session } from "./session.ts";
import { Terminals } from "./terminals.ts";
import { sendText } from "./text-command.ts";

const SWEEP_MS = 1000;

export const jt808: Driver<typeof jt808Config> = {
  kind: "jt808",
  config: jt808Config,
  check: checkPlainListen,

  async run(config, context) {
    const { signal, clock, fault, commands } = context;
    await using listener = await context.listenTcp(parseTcpAddress(config.listen));
    const terminals = new Terminals(config);
    const sessions = new Set<Session>();
    const serve = async (session: Session): Promise<void> => {
      sessions.add(session);
      try {
        await session.serve();
      } catch (error) {
        fault(broken(session.peer, error));
      } finally {
        sessions.delete(session);
      }
    };
    const sweeping = (async () => {
      while (!signal.aborted) {
        await clock.sleep(SWEEP_MS, signal);
        const upMs = clock.upMs();
        for (const session of sessions) session.sweep(upMs);
      }
    })();
    const commanding = (async () => {
      for await (const command of commands) void sendText(command, terminals, clock, config.answerTimeoutMs);
    })();
    for await (const link of listener) {
      if (sessions.size >= config.maxConnections) {
        fault(crowded(link.peer, config.maxConnections));
        void link[Symbol.asyncDispose]();
        continue;
      }
      void serve(new Session(link, config, context, terminals));
    }
    await Promise.all([...sessions].map((session) => session.close()));
    if (!signal.aborted) {
      throw new DriverError("LISTEN_FAILED", "the listening socket closed", {
        retry: "backoff",
        hint: "It is opened again.",
      });
    }
    await Promise.all([sweeping, commanding]);
  },
};

function crowded(peer: string, most: number): DriverError {
  return new DriverError("JT808_CROWDED", `${peer} would be connection ${most + 1}`, {
    retry: "backoff",
    hint: "Raise maxConnections if there are so many terminals; else somebody floods the port.",
  });
}

function broken(peer: string, error: unknown): DriverError {
  return new DriverError("JT808_SESSION", `the session with ${peer} broke: ${String(error)}`, {
    retry: "backoff",
    hint: "This is a fault of the driver. Please report it with the log.",
    cause: error,
  });
}
