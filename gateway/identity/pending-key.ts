import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { writePrivateFile } from "../contracts/private-file.ts";
import { type EnrolmentKey, newEnrolmentKey } from "./enroll.ts";

/** A token lives for an hour: after a day no answer to it comes any more. */
const KEPT_MS = 86_400_000;
const NAME = /^enrol-[0-9a-f]{16}\.json$/u;
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
  forgetOld(folder);
  const forget = (): void => rmSync(path, { force: true });
  const kept = keptIn(path);
  if (kept !== undefined) return { ...kept, forget };
  const key = await newEnrolmentKey();
  writePrivateFile(path, JSON.stringify(key));
  return { ...key, forget };
}

/** Keys of tokens that were never used to the end. */
function forgetOld(folder: string): void {
  try {
    for (const name of readdirSync(folder).filter((file) => NAME.test(file))) {
      const path = join(folder, name);
      if (Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { force: true });
    }
  } catch {
    // No folder yet, or one of somebody else: nothing of ours is there.
  }
}

function keptIn(path: string): Static<typeof Kept> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return Value.Check(Kept, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
