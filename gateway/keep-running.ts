import { codeOf } from "./contracts/gateway-error.ts";
import type { Gateway, GatewayMemory, GatewayOptions } from "./gateway.ts";
import { startGateway } from "./main.ts";

const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Runs a gateway until `isAsked`, and starts it again where it asks for that itself. What the one that ended could not
 * commit goes to the next; while that cannot start, it stays in memory.
 * @returns why it ended: somebody asked, or the vehicle stood long enough
 * @param onStarted each gateway that runs, the first included
 * @param onRest none runs for so long
 * @throws what the first start throws: then there is nothing to keep
 */
export async function keepRunning(
  options: GatewayOptions,
  asked: Promise<"signal">,
  onStarted: (gateway: Gateway) => void = () => {},
  onRest: (ms: number) => void = () => {},
): Promise<"signal" | "parked"> {
  const { twin } = options;
  const memory: GatewayMemory = { handOver: undefined };
  let pauseMs = PAUSE_MS;
  for (let starts = 0; ; starts += 1) {
    let gateway: Gateway;
    try {
      gateway = await startGateway({ ...options, config: twin?.config ?? options.config, memory });
    } catch (error) {
      if (starts === 0) throw error;
      twin?.broke(error);
      options.log.error(
        { code: codeOf(error), error: String(error), retryInMs: pauseMs },
        "gateway did not start again",
      );
      onRest(pauseMs);
      if (await isAskedWithin(asked, pauseMs)) return "signal";
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      continue;
    }
    const startedMs = performance.now();
    onStarted(gateway);
    const end = await Promise.race([asked, gateway.ended]);
    await gateway.stop();
    twin?.stopped();
    if (end === "signal" || end === "parked") return end;
    // One that soon breaks again, as on a card that fails, must not wear it out by starting.
    if (end === "restart" || performance.now() - startedMs > LONGEST_PAUSE_MS) pauseMs = PAUSE_MS;
    const heldWrites = memory.handOver?.writes.length ?? 0;
    options.log.warn({ reason: end, heldWrites, retryInMs: pauseMs }, "gateway starts again");
    onRest(pauseMs);
    if (await isAskedWithin(asked, pauseMs)) return "signal";
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

async function isAskedWithin(asked: Promise<"signal">, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const pause = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  const first = await Promise.race([asked, pause]);
  clearTimeout(timer);
  return first === "signal";
}
