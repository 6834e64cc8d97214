import type { Logger } from "./store/logger.ts";

/** Last opened, first closed; one that cannot close must not keep the others open. */
export async function closeAll(closers: (() => Promise<void> | void)[], log: Logger): Promise<void> {
  for (const close of closers.splice(0).reverse()) {
    try {
      await close();
    } catch (error) {
      log.error({ error: String(error) }, "not closed cleanly");
    }
  }
}
