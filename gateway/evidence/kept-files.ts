import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { EvidencePart } from "../../protocol/evidence.ts";
import { AlarmId, Sha256 } from "../../protocol/ids.ts";
import { codeOf } from "../contracts/gateway-error.ts";
import { type CopiedFile, copyDurably, hashOf, replaceDurably, syncFolder } from "./durable-files.ts";

/** What the folder costs beyond the bytes of a file: its block and that of its card. */
const OVERHEAD_BYTES = 8192;

/** Beside each file: what it is, and how far it has come. The same bytes may serve more than one evidence. */
const FileCard = Type.Object({
  sha256: Sha256,
  sizeBytes: Type.Integer({ minimum: 0 }),
  type: EvidencePart.properties.type,
  takenAtMs: Type.Integer(),
  /** None where the card itself was lost: the file then goes to the bridge, which knows them. */
  uses: Type.Array(Type.Object({ evidenceId: Type.String(), alarmId: AlarmId, part: Type.String() })),
  /** Uses whose record is not known to be committed: after a death before it, the next start announces the file itself. */
  pending: Type.Optional(
    Type.Array(
      Type.Object({
        evidenceId: Type.String(),
        alarmId: AlarmId,
        device: Type.Optional(Type.String()),
        part: Type.Pick(EvidencePart, ["name", "type", "media", "fromMs", "toMs"]),
      }),
    ),
  ),
  /** The bridge's epoch under which it said `stored`, and when. */
  stored: Type.Optional(Type.Object({ epoch: Type.String(), atMs: Type.Integer() })),
  /** Its upload is over and was declared. */
  givenUp: Type.Optional(Type.String()),
});
export type FileCard = Static<typeof FileCard>;
export type PendingUse = NonNullable<FileCard["pending"]>[number];

export function diskBytes({ sizeBytes }: Pick<FileCard, "sizeBytes">): number {
  return sizeBytes + OVERHEAD_BYTES;
}

/** `<folder>/<sha256>` and `<sha256>.json`. A card is there only once its file is on the disk. */
export class KeptFiles {
  readonly #folder: string;
  readonly #cards = new Map<Sha256, FileCard>();
  #sizeBytes = 0;
  #numbers = 0;
  /** Whole files whose cards could not be read. */
  readonly recovered: Sha256[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads every card; what a crash left half done goes. */
  static async open(folder: string): Promise<KeptFiles> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const kept = new KeptFiles(folder);
    const names = await readdir(folder);
    const unread = new Set<string>();
    const files = new Set(names.filter((name) => /^[0-9a-f]{64}$/.test(name)));
    for (const name of names.filter((found) => found.endsWith(".json"))) {
      const card = await kept.#readCard(name);
      const sha256 = name.slice(0, -".json".length);
      if (card?.sha256 === sha256) kept.#note(card);
      else if (files.has(sha256) && !(await kept.#isRecovered(sha256))) unread.add(sha256);
    }
    const isHalf = (name: string) =>
      name.endsWith(".new") || (files.has(name) && !kept.#cards.has(name) && !unread.has(name));
    for (const name of names.filter(isHalf)) await rm(join(folder, name), { force: true });
    return kept;
  }

  /** Oldest first. */
  get cards(): readonly FileCard[] {
    return [...this.#cards.values()].sort((a, b) => a.takenAtMs - b.takenAtMs);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get(sha256: Sha256): FileCard | undefined {
    return this.#cards.get(sha256);
  }

  pathOf(sha256: Sha256): string {
    return join(this.#folder, sha256);
  }

  /** Copies and fsyncs file, card and folder. */
  async add(
    from: { readonly path: string } | { readonly bytes: Uint8Array },
    about: Pick<FileCard, "type" | "takenAtMs"> & {
      readonly use: FileCard["uses"][number];
      readonly pending: PendingUse;
    },
  ): Promise<CopiedFile> {
    const fresh = join(this.#folder, `${this.#numbers++}.new`);
    await rm(fresh, { force: true });
    const copied = await copyDurably(from, fresh);
    // Also over one that is there: it may be damaged, or given up for that, and this one is whole.
    await rename(fresh, this.pathOf(copied.sha256));
    const { use, pending, ...first } = about;
    const known = this.#cards.get(copied.sha256);
    const { type, takenAtMs } = known ?? first;
    const card = {
      ...{ ...copied, type, takenAtMs },
      uses: [...(known?.uses ?? []), use],
      pending: [...(known?.pending ?? []), pending],
    };
    await this.write(known?.stored === undefined ? card : { ...card, stored: known.stored });
    return copied;
  }

  async write(card: FileCard): Promise<void> {
    await replaceDurably(`${this.pathOf(card.sha256)}.json`, `${JSON.stringify(card)}\n`);
    this.#note(card);
  }

  /** The record of this evidence is on the disk. */
  async recorded(sha256: Sha256, evidenceId: string): Promise<void> {
    const card = this.#cards.get(sha256);
    if (card?.pending === undefined) return;
    const { pending, ...rest } = card;
    const left = pending.filter((use) => use.evidenceId !== evidenceId);
    await this.write(left.length === 0 ? rest : { ...rest, pending: left });
  }

  async remove({ sha256 }: FileCard): Promise<void> {
    const known = this.#cards.get(sha256);
    if (known === undefined) return;
    // The card last: with it alone, the next start finds a file that is gone, and says so.
    await rm(this.pathOf(sha256), { force: true });
    await rm(`${this.pathOf(sha256)}.json`, { force: true });
    await syncFolder(this.#folder);
    this.#cards.delete(sha256);
    this.#sizeBytes -= diskBytes(known);
  }

  async read(sha256: Sha256, offset: number, maxBytes: number): Promise<Uint8Array | undefined> {
    const file = await open(this.pathOf(sha256)).catch(notThere);
    if (file === undefined) return undefined;
    try {
      const bytes = Buffer.alloc(maxBytes);
      const { bytesRead } = await file.read(bytes, 0, maxBytes, offset);
      return bytesRead === 0 ? undefined : bytes.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async isWhole(sha256: Sha256): Promise<boolean> {
    const found = await hashOf(this.pathOf(sha256)).catch(notThere);
    return found?.sha256 === sha256;
  }

  /**
   * Its record may say that it exists: a card that cannot be read is no reason to lose it. As a picture it makes room for
   * nothing.
   * @returns false while nobody can say whether it is whole
   */
  async #isRecovered(sha256: Sha256): Promise<boolean> {
    try {
      if (!(await this.isWhole(sha256))) return true;
      const { size: sizeBytes, mtimeMs } = await stat(this.pathOf(sha256));
      this.#note({ sha256, sizeBytes, type: "snapshot", takenAtMs: Math.floor(mtimeMs), uses: [] });
      this.recovered.push(sha256);
      return true;
    } catch {
      return false;
    }
  }

  async #readCard(name: string): Promise<FileCard | undefined> {
    try {
      const value: unknown = JSON.parse(await readFile(join(this.#folder, name), "utf8"));
      return Value.Check(FileCard, value) ? value : undefined;
    } catch {
      return undefined;
    }
  }

  #note(card: FileCard): void {
    const known = this.#cards.get(card.sha256);
    this.#sizeBytes += diskBytes(card) - (known === undefined ? 0 : diskBytes(known));
    this.#cards.set(card.sha256, card);
  }
}

/** Any other trouble may pass, and says nothing about the file. */
function notThere(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
}
