import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Sha256 } from "../../protocol/ids.ts";

const PIECE_BYTES = 256 * 1024;

export interface CopiedFile {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
}

/** A name lives only once its folder is on the disk too. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Copies to `to`, which must not be there, hashing on the way; it is on the disk when this resolves. */
export async function copyDurably(
  from: { readonly path: string } | { readonly bytes: Uint8Array },
  to: string,
): Promise<CopiedFile> {
  const target = await open(to, "wx", 0o600);
  try {
    const copied = "bytes" in from ? await writeHashed([from.bytes], target) : await copyFrom(from.path, target);
    await target.sync();
    return copied;
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  } finally {
    await target.close();
  }
}

/** After a crash there is the old text or the new one. */
export async function replaceDurably(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  await copyDurably({ bytes: Buffer.from(text) }, fresh);
  await rename(fresh, path);
  await syncFolder(dirname(path));
}

export async function hashOf(path: string): Promise<CopiedFile> {
  const source = await open(path, constants.O_RDONLY);
  try {
    return await writeHashed(piecesOf(source), undefined);
  } finally {
    await source.close();
  }
}

async function copyFrom(path: string, target: FileHandle): Promise<CopiedFile> {
  const source = await open(path, constants.O_RDONLY);
  try {
    return await writeHashed(piecesOf(source), target);
  } finally {
    await source.close();
  }
}

async function* piecesOf(source: FileHandle): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(PIECE_BYTES);
  for (let offset = 0; ; ) {
    const { bytesRead } = await source.read(piece, 0, PIECE_BYTES, offset);
    if (bytesRead === 0) return;
    offset += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

async function writeHashed(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  target: FileHandle | undefined,
): Promise<CopiedFile> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    sizeBytes += piece.length;
    await target?.writeFile(piece);
  }
  return { sha256: hash.digest("hex"), sizeBytes };
}
