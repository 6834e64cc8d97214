import type { Logger } from "../gateway/contracts/logger.ts";

const nothing = (): void => undefined;
/** For a program whose answer is its output. */
export const SILENT: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
  child: () => SILENT,
};
