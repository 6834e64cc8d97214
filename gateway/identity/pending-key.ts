import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { writePrivateFile } from "../contracts/private-file.ts";
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
  writePrivateFile(path, JSON.stringify(key));
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
