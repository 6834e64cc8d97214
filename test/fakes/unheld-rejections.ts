import { onTestFinished } from "vitest";

/** Promises that were rejected while nobody held them, from now to the end of the test: each would end the process. */
export function unheldRejections(): readonly unknown[] {
  const unheld: unknown[] = [];
  const note = (error: unknown) => void unheld.push(error);
  process.on("unhandledRejection", note);
  onTestFinished(() => void process.off("unhandledRejection", note));
  return unheld;
}
