import { type FileHandle, mkdir, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../../contracts/gateway-error.ts";
import type { Logger } from "../../contracts/logger.ts";
import type { Fragment } from "./fragment-reader.ts";
import type { MediaHeader } from "./media-header.ts";

/** A file ends with the first whole picture after so long. */
const FILE_MS = 2000;
/** What of the ring's size may wait for the disk; beyond it is left out and counted, since the camera does not wait. */
const MAX_WAITING_PART = 0.25;

/** What helps a ring that cannot be written. */
export const RING_HINT =
  "Look at the room and the speed of the ring's folder; until then alarms have no clip from this camera.";

export interface ClipRingOptions {
  readonly directory: string;
  readonly keepMs: number;
  readonly maxBytes: number;
  readonly log: Logger;
}

/** A stretch of video without a break, cut where it can be decoded from. Times are up-times of the node, ms. */
export interface RingCut {
  readonly path: string;
  readonly fromUpMs: number;
  readonly toUpMs: number;
  readonly header: MediaHeader;
}

interface Piece {
  fromUpMs: number;
  toUpMs: number;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly isKey: boolean;
}

interface RingFile {
  readonly path: string;
  readonly header: MediaHeader;
  /** Files of one capture follow each other without a break. */
  readonly capture: number;
  readonly pieces: Piece[];
  sizeBytes: number;
}

/** The last seconds of one camera's own video, in files that are always whole. */
export class ClipRing {
  readonly #options: ClipRingOptions;
  readonly #files: RingFile[] = [];
  #handle: FileHandle | undefined;
  #header: MediaHeader | undefined;
  #capture = 0;
  #number = 0;
  #cuts = 0;
  #sizeBytes = 0;
  #waitingBytes = 0;
  #lost = 0;
  #trouble: string | undefined;
  #line: Promise<unknown>;

  /** Whatever an earlier start left in the directory goes. */
  constructor(options: ClipRingOptions) {
    this.#options = options;
    this.#line = prepare(options.directory).catch((error: unknown) => this.#troubled(codeOf(error)));
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Fragments that found no room. */
  get lost(): number {
    return this.#lost;
  }

  /** What keeps it from writing. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** A new capture begins: it does not go on where the last one ended. */
  begin(header: MediaHeader): void {
    this.#capture += 1;
    this.#header = header;
  }

  add({ bytes, isKey }: Pick<Fragment, "bytes" | "isKey">, fromUpMs: number, toUpMs: number): void {
    const header = this.#header;
    const capture = this.#capture;
    if (header === undefined) return;
    if (this.#waitingBytes + bytes.length > this.#options.maxBytes * MAX_WAITING_PART) {
      this.#lost += 1;
      this.#breakOff(capture);
      this.#troubled("disk too slow");
      return;
    }
    this.#waitingBytes += bytes.length;
    void this.#queue(async () => {
      try {
        const isWritten = await this.#write(header, capture, { bytes, isKey }, fromUpMs, toUpMs);
        if (!isWritten) this.#lost += 1;
        // What waited from before the trouble says nothing of its end.
        else if (capture === this.#capture) this.#trouble = undefined;
      } catch (error) {
        this.#lost += 1;
        await this.#closeFile();
        this.#breakOff(capture);
        this.#troubled(codeOf(error));
      } finally {
        this.#waitingBytes -= bytes.length;
      }
    });
  }

  /**
   * What is left of a window, longest stretch first, each as a file of its own that is the caller's to remove.
   * @returns empty where nothing of it is there
   */
  cut(fromUpMs: number, toUpMs: number): Promise<readonly RingCut[]> {
    return this.#queue(async () => {
      const cuts: RingCut[] = [];
      for (const files of Map.groupBy(this.#files, ({ capture }) => capture).values()) {
        const cut = await this.#cutFrom(files, fromUpMs, toUpMs);
        if (cut !== undefined) cuts.push(cut);
      }
      return cuts.toSorted((a, b) => b.toUpMs - b.fromUpMs - (a.toUpMs - a.fromUpMs));
    });
  }

  /** Ends it, with all that it holds. */
  close(): Promise<void> {
    return this.#queue(async () => {
      await this.#closeFile();
      await rm(this.#options.directory, { recursive: true, force: true });
    });
  }

  /** What is left out would be a hole in a file: the next whole picture begins a new one. */
  #breakOff(capture: number): void {
    if (this.#capture === capture) this.#capture += 1;
  }

  /** @returns false where it cannot be decoded without what is missing before it */
  async #write(
    header: MediaHeader,
    capture: number,
    { bytes, isKey }: Pick<Fragment, "bytes" | "isKey">,
    fromUpMs: number,
    toUpMs: number,
  ): Promise<boolean> {
    let file = this.#files.at(-1);
    const isOver = file === undefined || file.capture !== capture || this.#handle === undefined;
    const isFull = file !== undefined && fromUpMs - (file.pieces[0]?.fromUpMs ?? fromUpMs) >= FILE_MS;
    if (file === undefined || isOver || (isFull && isKey)) {
      // Only from a whole picture on can anything be decoded.
      if (!isKey) return false;
      await this.#closeFile();
      const path = join(this.#options.directory, `${String(this.#number++).padStart(8, "0")}.m4s`);
      this.#handle = await open(path, "wx");
      file = { path, header, capture, pieces: [], sizeBytes: 0 };
      this.#files.push(file);
      await this.#prune(toUpMs);
    }
    const offset = file.sizeBytes;
    await this.#handle?.write(bytes, 0, bytes.length, offset);
    file.sizeBytes += bytes.length;
    this.#sizeBytes += bytes.length;
    this.#moveBack(capture, fromUpMs);
    file.pieces.push({ fromUpMs, toUpMs, offset, sizeBytes: bytes.length, isKey });
    return true;
  }

  /** Less delay shows that what came before was older than it seemed: at a start a whole second comes at once. */
  #moveBack(capture: number, fromUpMs: number): void {
    const pieces = this.#files.filter((file) => file.capture === capture).flatMap((file) => file.pieces);
    const tooLateMs = (pieces.at(-1)?.toUpMs ?? fromUpMs) - fromUpMs;
    if (tooLateMs <= 0) return;
    for (const piece of pieces) {
      piece.fromUpMs -= tooLateMs;
      piece.toUpMs -= tooLateMs;
    }
  }

  async #prune(nowUpMs: number): Promise<void> {
    const { keepMs, maxBytes } = this.#options;
    for (;;) {
      const [oldest] = this.#files;
      if (oldest === undefined || this.#files.length < 2) return;
      const isOld = (oldest.pieces.at(-1)?.toUpMs ?? 0) < nowUpMs - keepMs;
      if (!isOld && this.#sizeBytes <= maxBytes) return;
      this.#files.shift();
      this.#sizeBytes -= oldest.sizeBytes;
      await rm(oldest.path, { force: true });
    }
  }

  async #cutFrom(files: readonly RingFile[], fromUpMs: number, toUpMs: number): Promise<RingCut | undefined> {
    const all = files.flatMap((file) => file.pieces.map((piece) => ({ file, piece })));
    const wanted = all.filter(({ piece }) => piece.toUpMs > fromUpMs && piece.fromUpMs < toUpMs);
    const [first] = wanted;
    const last = wanted.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const firstAt = all.indexOf(first);
    // A file begins with a whole picture, so there is one at or before every piece.
    const start = all.findLastIndex(({ piece }, at) => piece.isKey && at <= firstAt);
    const chosen = start < 0 ? [] : all.slice(start, all.indexOf(last) + 1);
    const [head] = chosen;
    if (head === undefined) return undefined;
    const path = join(this.#options.directory, `cut-${this.#cuts++}.mp4`);
    try {
      await copyPieces(path, head.file.header.bytes, chosen);
    } catch (error) {
      // Half a cut on a full disk would keep it full.
      await rm(path, { force: true });
      throw error;
    }
    return { path, fromUpMs: head.piece.fromUpMs, toUpMs: last.piece.toUpMs, header: head.file.header };
  }

  async #closeFile(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  #troubled(why: string): void {
    if (this.#trouble === why) return;
    this.#trouble = why;
    const { directory, log } = this.#options;
    log.warn({ code: "CAMERA_RING", why, directory, hint: RING_HINT }, "clip ring not written");
  }

  #queue<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#line.then(act);
    this.#line = done.catch(() => {});
    return done;
  }
}

interface Chosen {
  readonly file: RingFile;
  readonly piece: Piece;
}

async function copyPieces(path: string, header: Uint8Array, chosen: readonly Chosen[]): Promise<void> {
  await writeFile(path, header);
  await using out = await open(path, "a");
  for (const [file, pieces] of Map.groupBy(chosen, (one) => one.file)) {
    const bytes = await readFile(file.path);
    const ends = pieces.map(({ piece }) => piece.offset + piece.sizeBytes);
    await out.writeFile(bytes.subarray(pieces[0]?.piece.offset ?? 0, ends.at(-1)));
  }
}

async function prepare(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true, force: true });
}
