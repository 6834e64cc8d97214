import { createHash } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { type EnrolmentKey, newEnrolmentKey } from "./enroll.ts";

const Kept = Type.Object({ keyPem: Type.String(), csrPem: Type.String() });

export interface PendingKey extends EnrolmentKey {
  /** It came to its end: an identity is written, or the token is refused. */
  forget(): void;
}

/**
 * The key of an enrolment that has no answer yet, on the disk before the token is shown to anybody: when the answer is
 * lost, the same command with the same token gets it once more.
 */
export async function pendingKey(folder: string, token: string): Promise<PendingKey> {
  const name = `enrol-${createHash("sha256").update(token).digest("hex").slice(0, 16)}.json`;
  const path = join(folder, name);
  const forget = (): void => rmSync(path, { force: true });
  const kept = keptIn(path);
  if (kept !== undefined) return { ...kept, forget };
  const key = await newEnrolmentKey();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = openSync(`${path}.new`, "w", 0o600);
  try {
    writeSync(file, JSON.stringify(key));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  return { ...key, forget };
}

function keptIn(path: string): Static<typeof Kept> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return Value.Check(Kept, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
