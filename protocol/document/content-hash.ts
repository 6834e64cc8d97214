import { createHash } from "node:crypto";
import { canonicalJson } from "../canonical-json.ts";
import type { Sha256 } from "../ids.ts";
import { redacted } from "../redact.ts";
import { plain } from "./check-document.ts";
import type { DocumentNode } from "./parse-document.ts";

/**
 * What a config says, as a hash: SHA-256 over the canonical JSON of its values without secrets. Comments, order, style and
 * what opens doors do not count, so that both halves get the same from their own texts.
 */
export function contentHash(root: DocumentNode): Sha256 {
  return createHash("sha256")
    .update(canonicalJson(redacted(plain(root))))
    .digest("hex");
}
