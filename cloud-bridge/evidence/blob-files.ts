import { createHash, randomUUID } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { isBlobId } from "../../protocol/blob.ts";
import type { Sha256 } from "../../protocol/ids.ts";

const MAX_OPEN = 64;
const MAX_SOUND = 1000;
const BELIEVED_MS = 10 * 60_000;
/** No file that is put grows for so long. */
const CUT_OFF_MS = 3600_000;
/** What `put` writes; the partial file of an upload has no such middle. */
const PUT_PART = /^[0-9a-f]{64}\.[0-9a-f-]+\.part$/;

export interface BlobKey {
  readonly node: string;
  readonly blob: Sha256;
}

export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** `<state>/blobs/<node>/<sha256>`, and `<sha256>.part` while it grows. A whole file has its hash, and is on the disk. */
export class BlobFiles {
  readonly #folder: string;
  /** Oldest use first. */
  readonly #open = new Map<string, FileHandle>();
  readonly #sound = new Map<string, { readonly seen: string; readonly atMs: number }>();

  constructor(stateFolder: string) {
    this.#folder = join(stateFolder, "blobs");
  }

  pathOf({ node, blob }: BlobKey): string {
    return join(this.#folder, node, blob);
  }

  /** Begins anew, or goes on with what is certain: bytes that a power cut may have spoilt are cut off. */
  async truncate(key: BlobKey, lengthBytes: number): Promise<number> {
    const file = await this.#handle(key);
    const { size } = await file.stat();
    const certain = Math.min(size, lengthBytes);
    await file.truncate(certain);
    return certain;
  }

  async append(key: BlobKey, offset: number, bytes: Uint8Array): Promise<void> {
    const file = await this.#handle(key);
    // A disk that fills up takes the beginning, and says so by the count alone.
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, at, bytes.length - at, offset + at);
      at += bytesWritten;
    }
  }

  async sync(key: BlobKey): Promise<void> {
    await (await this.#handle(key)).sync();
  }

  /** What the partial file has become, read back from the start. */
  async hash(key: BlobKey): Promise<Sha256> {
    const hash = createHash("sha256");
    for await (const piece of createReadStream(`${this.pathOf(key)}.part`, { highWaterMark: 256 * 1024 })) {
      hash.update(piece as Uint8Array);
    }
    return hash.digest("hex");
  }

  /** From now on it is whole, also after a power cut. */
  async finish(key: BlobKey): Promise<void> {
    const file = await this.#handle(key);
    await file.sync();
    await this.#close(key);
    await rename(`${this.pathOf(key)}.part`, this.pathOf(key));
    await syncFolder(join(this.#folder, key.node));
  }

  /** A whole file at once, on the disk when this resolves; one that is there already stays. */
  async put(key: BlobKey, bytes: Uint8Array): Promise<void> {
    if ((await this.isThere(key, bytes.length)) && (await this.isSound(key))) return;
    const folder = join(this.#folder, key.node);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const growing = `${this.pathOf(key)}.${randomUUID()}.part`;
    const file = await open(growing, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } catch (error) {
      await rm(growing, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    await rename(growing, this.pathOf(key));
    await syncFolder(folder);
  }

  /** At a start: what was being put when the power went. */
  async dropCutOff(node: string, nowMs: number): Promise<void> {
    const folder = join(this.#folder, node);
    for (const name of (await readdir(folder)).filter((found) => PUT_PART.test(found))) {
      const { mtimeMs } = await stat(join(folder, name));
      if (mtimeMs < nowMs - CUT_OFF_MS) await rm(join(folder, name), { force: true });
    }
  }

  async remove(key: BlobKey): Promise<void> {
    await this.#close(key);
    await rm(`${this.pathOf(key)}.part`, { force: true });
    await rm(this.pathOf(key), { force: true });
  }

  /** Nodes that have files here. */
  async nodes(): Promise<readonly string[]> {
    const entries = await readdir(this.#folder, { withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  /** A node's whole files, by their names. */
  async wholeOf(node: string): Promise<readonly Sha256[]> {
    return (await readdir(join(this.#folder, node))).filter(isBlobId);
  }

  /** @returns undefined where there is no whole file */
  async sizeOf(key: BlobKey): Promise<number | undefined> {
    return (await stat(this.pathOf(key)).catch(() => undefined))?.size;
  }

  /** Whether there is a whole file of this size. */
  async isThere(key: BlobKey, sizeBytes: number): Promise<boolean> {
    return (await this.sizeOf(key)) === sizeBytes;
  }

  /**
   * Reads all of a whole file: has it still the hash that it is named by? What was found is believed for some minutes while
   * nobody has touched the file, since a player asks for one piece after another.
   */
  async isSound(key: BlobKey): Promise<boolean> {
    const path = this.pathOf(key);
    const found = await stat(path);
    const seen = `${found.ino} ${found.size} ${found.mtimeMs}`;
    const known = this.#sound.get(path);
    if (known?.seen === seen && performance.now() - known.atMs < BELIEVED_MS) return true;
    const hash = createHash("sha256");
    for await (const piece of createReadStream(path, { highWaterMark: 256 * 1024 })) hash.update(piece as Uint8Array);
    if (hash.digest("hex") !== key.blob) return false;
    this.#sound.delete(path);
    this.#sound.set(path, { seen, atMs: performance.now() });
    for (const oldest of this.#sound.keys()) {
      if (this.#sound.size <= MAX_SOUND) break;
      this.#sound.delete(oldest);
    }
    return true;
  }

  /** A file that is not what it is named by is kept aside, for whoever wants to look. */
  async setAside(key: BlobKey): Promise<void> {
    await rename(this.pathOf(key), `${this.pathOf(key)}.rotten`);
    await syncFolder(join(this.#folder, key.node));
  }

  /** @param range from (included) to (excluded) */
  read(key: BlobKey, range?: ByteRange): Readable {
    return createReadStream(this.pathOf(key), range === undefined ? {} : { start: range.from, end: range.to - 1 });
  }

  async close(): Promise<void> {
    const files = [...this.#open.values()];
    this.#open.clear();
    for (const file of files) await file.close();
  }

  async #handle(key: BlobKey): Promise<FileHandle> {
    const name = this.pathOf(key);
    const known = this.#open.get(name);
    if (known !== undefined) {
      this.#open.delete(name);
      this.#open.set(name, known);
      return known;
    }
    await mkdir(join(this.#folder, key.node), { recursive: true, mode: 0o700 });
    const file = await open(`${name}.part`, constants.O_RDWR | constants.O_CREAT, 0o600);
    this.#open.set(name, file);
    for (const [oldest, handle] of this.#open) {
      if (this.#open.size <= MAX_OPEN) break;
      this.#open.delete(oldest);
      await handle.close();
    }
    return file;
  }

  async #close(key: BlobKey): Promise<void> {
    const name = this.pathOf(key);
    const file = this.#open.get(name);
    this.#open.delete(name);
    await file?.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
