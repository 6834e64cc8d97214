import type { Subject } from "./ids.ts";

/** The subject's part of an alarm's key, "issi:1234"; '' for the device itself. */
export function subjectKey(subject: Subject | undefined): string {
  return subject === undefined ? "" : `${subject.type}:${subject.id}`;
}
