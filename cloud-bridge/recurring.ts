import { setTimeout as later } from "node:timers/promises";
import type { Logger } from "./store/logger.ts";

/** Does it again and again, with a pause between, until `signal` aborts; what fails is logged and tried again. */
export async function every(
  periodMs: number,
  { signal, log }: { readonly signal: AbortSignal; readonly log: Logger },
  act: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    await act().catch((error: unknown) => log.error({ error: String(error) }, "recurring work put off"));
    await later(periodMs, undefined, { signal }).catch(() => {});
  }
}
