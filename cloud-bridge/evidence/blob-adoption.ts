import type { Db } from "../store/database.ts";
import type { Logger } from "../store/logger.ts";
import type { BlobFiles, BlobKey } from "./blob-files.ts";
import { loadBlob, saveBlob, settledBlobs } from "./blob-rows.ts";
import { PEOPLE } from "./people.ts";

export interface Adoption {
  readonly db: Db;
  readonly files: BlobFiles;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** Runs between the messages of that node. */
  readonly inLine: (node: string, act: () => Promise<void>) => Promise<void>;
  readonly onAdopted: (key: BlobKey) => void;
  readonly mayGoOn: () => boolean;
}

/**
 * At a start: the database may be older than the folder beside it, after a backup was restored or a log was torn, and a node
 * lets a file go once it heard `stored`. A whole file that has its hash is stored, whatever the rows say; one that no record
 * names later goes like every such file, and so does a photo that a person sends no act for.
 * @returns how many were taken in
 */
export async function adoptFiles(adoption: Adoption): Promise<number> {
  const { db, files, nowMs, inLine, onAdopted, mayGoOn } = adoption;
  let count = 0;
  for (const node of await files.nodes()) {
    if (node === PEOPLE) await files.dropCutOff(node, nowMs());
    const settled = await settledBlobs(db, node);
    for (const blob of await files.wholeOf(node)) {
      if (!mayGoOn()) return count;
      if (settled.has(blob)) continue;
      await inLine(node, async () => {
        if (!(await isAdopted(adoption, { node, blob }))) return;
        count += 1;
        onAdopted({ node, blob });
      });
    }
  }
  return count;
}

async function isAdopted({ db, files, log, nowMs }: Adoption, key: BlobKey): Promise<boolean> {
  const known = await loadBlob(db, key);
  const sizeBytes = await files.sizeOf(key);
  if (sizeBytes === undefined || (known !== undefined && known.state !== "partial")) return false;
  if (!(await files.isSound(key))) {
    log.error({ ...key, code: "BLOB_HASH" }, "file has another hash than its name, not taken in");
    return false;
  }
  const { restarts = 0, firstAtMs = nowMs() } = known ?? {};
  await saveBlob(db, key, { sizeBytes, receivedBytes: sizeBytes, state: "stored", restarts, firstAtMs }, nowMs());
  return true;
}
