import { destination } from "pino";

/** What waits for a stderr that takes nothing; beyond it lines are dropped. */
const MOST_WAITING_BYTES = 1_000_000;

/**
 * Stderr for a log. One that cannot be written, as a file on a full disk, costs lines and neither an alarm nor the process:
 * who logs is in the middle of something.
 */
export function logStream(fd = 2): { write(line: string): void } {
  const stream = destination({ dest: fd, sync: true, maxLength: MOST_WAITING_BYTES });
  stream.on("error", () => undefined);
  return {
    write: (line) => {
      try {
        stream.write(line);
      } catch {
        // There is nowhere to say it.
      }
    },
  };
}
