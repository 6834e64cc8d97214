import { stat } from "node:fs/promises";
import { join } from "node:path";
import { canonicalJson } from "../../protocol/canonical-json.ts";
import type { EvidenceLostBody, EvidencePart, MissingPart } from "../../protocol/evidence.ts";
import { signEvidence } from "../../protocol/evidence-manifest.ts";
import type { Sha256 } from "../../protocol/ids.ts";
import type { NewRecord } from "../../protocol/record.ts";
import type {
  BlobFiles,
  EvidenceFacts,
  EvidenceRecord,
  EvidenceRoom,
  EvidenceTaker,
  EvidenceToTake,
  KeptFile,
  MediaFile,
} from "../contracts/evidence.ts";
import { type GatewayFaultPoints, NO_FAULT_POINTS } from "../contracts/fault-points.ts";
import { codeOf } from "../contracts/gateway-error.ts";
import type { JournalWrite } from "../contracts/journal.ts";
import type { Logger } from "../contracts/logger.ts";
import type { SigningKey } from "../contracts/signing-key.ts";
import { type EvidenceKey, openEvidenceKey } from "./evidence-key.ts";
import { diskBytes, type FileCard, KeptFiles } from "./kept-files.ts";
import { evidenceOfUnrecorded } from "./unrecorded.ts";

const FOLDER = "evidence";
const MAX_PARTS = 8;
const MAX_REASON = 200;

export interface EvidenceStoreOptions {
  /** The node's state. */
  readonly directory: string;
  readonly node: string;
  readonly run: string;
  readonly quotaBytes: number;
  /** Stored files are kept so long, since the bridge may be restored from a backup. */
  readonly keepStoredMs: number;
  readonly stamp: () => Pick<NewRecord, "upMs" | "atMs" | "timeQuality">;
  readonly recorded: () => Promise<ReadonlySet<string>>;
  /** Into the journal, behind whatever holds its troubles. @returns whether it is on the disk */
  readonly write: (write: JournalWrite) => Promise<boolean>;
  readonly log: Logger;
  readonly faultPoints?: GatewayFaultPoints;
}

/**
 * The node's custody of files. A record says that a file exists only when that file is on the disk; a file goes only once
 * the bridge has it, or with a record that says so.
 */
export class EvidenceStore implements EvidenceTaker, BlobFiles, EvidenceRoom {
  readonly #options: EvidenceStoreOptions;
  readonly #files: Promise<KeptFiles>;
  readonly #faultPoints: GatewayFaultPoints;
  #key: EvidenceKey | undefined;
  #onKept: (file: KeptFile) => void = () => {};
  #onGone: (blob: Sha256) => void = () => {};
  /** One act at a time: what is weighed against the quota is not weighed twice. */
  #line: Promise<unknown> = Promise.resolve();
  #facts: EvidenceFacts = { files: 0, sizeBytes: 0, storedBytes: 0, unsentFiles: 0, unsentBytes: 0 };

  constructor(options: EvidenceStoreOptions) {
    this.#options = options;
    this.#faultPoints = options.faultPoints ?? NO_FAULT_POINTS;
    this.#key = openEvidenceKey(this.#folder, options.log);
    this.#files = KeptFiles.open(join(this.#folder, "files"));
    this.#files.then(
      (files) => {
        this.#count(files);
        const hint = "Look at the node's memory card: a small file on it could not be read.";
        if (files.recovered.length > 0) {
          options.log.error(
            { code: "EVIDENCE_CARD_BROKEN", files: files.recovered, hint },
            "evidence kept without its card",
          );
        }
      },
      (error: unknown) => options.log.error({ code: codeOf(error), error: String(error) }, "evidence folder not read"),
    );
  }

  /** For the `start` record; undefined while the disk takes no key. */
  get publicKeyText(): string | undefined {
    return this.#key?.publicKeyText;
  }

  /** What else this node puts its name to. */
  get signer(): SigningKey | undefined {
    return this.#key;
  }

  // ---- taking ----

  take(evidence: EvidenceToTake): Promise<readonly EvidencePart[]> {
    return this.#inLine(async () => {
      const { record, media = [], write = {} } = evidence;
      const kept: KeptFile[] = [];
      const parts: EvidencePart[] = [];
      const missing: MissingPart[] = [...record.body.missing];
      for (const part of record.body.parts) {
        parts.push(part);
        if (part.series === undefined) continue;
        // Should there be no room for the file, the series itself goes with the record all the same.
        const bytes = Buffer.from(canonicalJson(part.series));
        const file = await this.#keep(record, { ...part, from: { bytes } });
        if (file.ok) kept.push(file.kept);
      }
      for (const file of media) {
        const outcome = await this.#keep(record, file);
        if (outcome.ok) kept.push(outcome.kept);
        if (outcome.ok) parts.push(outcome.part);
        else missing.push({ name: file.name, reason: outcome.reason.slice(0, MAX_REASON) });
      }
      if (kept.length > 0) this.#faultPoints.reach("gateway-evidence-fsynced");
      const said = this.#signed({ ...record, body: { ...record.body, ...fitting(parts, missing) } });
      if (await this.#options.write({ ...write, append: [said] })) await this.#recorded(kept, record.body.evidenceId);
      for (const file of kept) this.#onKept(file);
      return said.body.parts;
    });
  }

  recorded(): Promise<ReadonlySet<string>> {
    return this.#options.recorded();
  }

  /** Once at a start: files that a death left without their record are announced, level series that nobody announces go. */
  announceUnrecorded(): Promise<void> {
    return this.#inLine(async () => {
      const files = await this.#files;
      for (const { record, was, files: found } of evidenceOfUnrecorded(files.cards, this.#options.stamp())) {
        const { evidenceId } = record.body;
        this.#options.log.warn(
          { evidenceId, was, files: found.length },
          "evidence without a record announced after a death",
        );
        if (!(await this.#options.write({ append: [this.#signed(record)] }))) continue;
        for (const { sha256 } of found) {
          const card = files.get(sha256);
          if (card === undefined) continue;
          const uses = card.uses.map((use) => (use.evidenceId === was ? { ...use, evidenceId } : use));
          await files.write({ ...card, uses });
          await files.recorded(sha256, was);
        }
      }
      for (const card of files.cards) {
        const isOrphan = card.pending !== undefined && card.uses.length === card.pending.length;
        if (isOrphan && isLevels(card)) await files.remove(card);
      }
      this.#count(files);
    }).catch((error: unknown) => {
      this.#options.log.error({ code: codeOf(error), error: String(error) }, "evidence without a record not announced");
    });
  }

  /** A card that cannot be written now says so once more at the next start, which is harmless. */
  async #recorded(kept: readonly KeptFile[], evidenceId: string): Promise<void> {
    try {
      for (const { blob } of kept) await (await this.#files).recorded(blob, evidenceId);
    } catch (error) {
      this.#options.log.warn({ code: codeOf(error), evidenceId, error: String(error) }, "card of evidence not written");
    }
  }

  async #keep(
    record: EvidenceRecord,
    file: MediaFile,
  ): Promise<
    | { readonly ok: true; readonly part: EvidencePart; readonly kept: KeptFile }
    | { readonly ok: false; readonly reason: string }
  > {
    const { name, type, media, fromMs, toMs } = file;
    const { evidenceId, alarmId } = record.body;
    try {
      const files = await this.#files;
      const sizeBytes = "bytes" in file.from ? file.from.bytes.length : (await stat(file.from.path)).size;
      if (!(await this.#makeRoom(files, diskBytes({ sizeBytes })))) {
        return { ok: false, reason: "no room on the node: everything kept there is still to be sent" };
      }
      const use = { evidenceId, alarmId, part: name };
      const takenAtMs = record.atMs;
      const { device } = record;
      const about = { name, type, ...(media === undefined ? {} : { media }), fromMs, toMs };
      const pending = { evidenceId, alarmId, ...(device === undefined ? {} : { device }), part: about };
      const copied = await files.add(file.from, { type, takenAtMs, use, pending });
      this.#count(files);
      const times = { fromMs, toMs };
      return {
        ok: true,
        part: { name, type, ...copied, ...times, ...(media === undefined ? {} : { media }) },
        kept: { blob: copied.sha256, sizeBytes: copied.sizeBytes, type, takenAtMs },
      };
    } catch (error) {
      const code = codeOf(error);
      const hint = "Check the disk of the state folder, and what hands the file in.";
      this.#options.log.error({ code, evidenceId, part: name, error: String(error), hint }, "evidence file not kept");
      return { ok: false, reason: code === "ENOENT" ? "there is no file" : `it could not be kept (${code})` };
    }
  }

  #signed(record: EvidenceRecord): EvidenceRecord {
    this.#key ??= openEvidenceKey(this.#folder, this.#options.log);
    if (this.#key === undefined) return record;
    const { node, run } = this.#options;
    const { keyId, privateKey } = this.#key;
    const signature = signEvidence(record, record.body, { node, run, keyId }, privateKey);
    return { ...record, body: { ...record.body, signature } };
  }

  // ---- for the uplink ----

  async kept(): Promise<readonly KeptFile[]> {
    const files = await this.#files;
    return files.cards.filter(({ givenUp }) => givenUp === undefined).map(keptFile);
  }

  onKept(listener: (file: KeptFile) => void): void {
    this.#onKept = listener;
  }

  onGone(listener: (blob: Sha256) => void): void {
    this.#onGone = listener;
  }

  async read(blob: Sha256, offset: number, maxBytes: number): Promise<Uint8Array | undefined> {
    return (await this.#files).read(blob, offset, maxBytes);
  }

  async isWhole(blob: Sha256): Promise<boolean> {
    return (await this.#files).isWhole(blob);
  }

  markStored(blob: Sha256, epoch: string): Promise<void> {
    return this.#inLine(async () => {
      const files = await this.#files;
      const card = files.get(blob);
      if (card === undefined || card.stored?.epoch === epoch) return;
      await files.write({ ...card, stored: { epoch, atMs: this.#options.stamp().atMs } });
      await this.#endOld(files);
      this.#count(files);
    });
  }

  giveUp(blob: Sha256, reason: EvidenceLostBody["reason"], code?: string): Promise<void> {
    return this.#inLine(async () => {
      const files = await this.#files;
      const card = files.get(blob);
      if (card === undefined || card.givenUp !== undefined) return;
      await this.#declare(card, reason, code);
      if (reason === "gone") await files.remove(card);
      else await files.write({ ...card, givenUp: reason });
      this.#count(files);
    });
  }

  /** The record first: after a crash between the two it is said twice, which is harmless; never not at all. */
  async #declare(card: FileCard, reason: EvidenceLostBody["reason"], code?: string): Promise<void> {
    const { sha256, sizeBytes } = card;
    const append = card.uses.map(({ evidenceId, alarmId, part }): NewRecord => {
      const body = { evidenceId, alarmId, part, sha256, sizeBytes, reason, ...(code === undefined ? {} : { code }) };
      return { ...this.#options.stamp(), kind: "evidence-lost", body };
    });
    this.#options.log.error({ code: "EVIDENCE_LOST", sha256, sizeBytes, reason, why: code }, "evidence file given up");
    await this.#options.write({ append });
  }

  // ---- room ----

  facts(): EvidenceFacts {
    return this.#facts;
  }

  freeStored(bytes: number): Promise<number> {
    return this.#inLine(async () => this.#free(await this.#files, bytes, isOver));
  }

  freeUnsentClips(bytes: number): Promise<number> {
    return this.#inLine(async () => this.#free(await this.#files, bytes, isUnsentClip));
  }

  async #makeRoom(files: KeptFiles, bytes: number): Promise<boolean> {
    await this.#endOld(files);
    const { quotaBytes } = this.#options;
    const lacking = () => files.sizeBytes + bytes - quotaBytes;
    for (const may of [isOver, isLevels, isUnsentClip]) {
      if (lacking() <= 0) return true;
      if (bytes <= quotaBytes) await this.#free(files, lacking(), may);
    }
    return lacking() <= 0;
  }

  async #free(files: KeptFiles, bytes: number, may: (card: FileCard) => boolean): Promise<number> {
    let freed = 0;
    for (const card of files.cards) {
      if (freed >= bytes) break;
      if (!may(card)) continue;
      if (isUnsentClip(card)) await this.#declare(card, "quota");
      await files.remove(card);
      this.#onGone(card.sha256);
      freed += diskBytes(card);
    }
    if (freed > 0) this.#count(files);
    return freed;
  }

  /** A clock that was never set tells no age: then only room counts. */
  async #endOld(files: KeptFiles): Promise<void> {
    const { atMs, timeQuality } = this.#options.stamp();
    if (timeQuality === "none") return;
    const isOld = ({ stored }: FileCard) => stored !== undefined && atMs - stored.atMs > this.#options.keepStoredMs;
    await this.#free(files, Number.POSITIVE_INFINITY, isOld);
  }

  #count(files: KeptFiles): void {
    const { cards } = files;
    const unsent = cards.filter((card) => !isOver(card));
    const storedBytes = cards.filter(isOver).reduce((sum, card) => sum + diskBytes(card), 0);
    const [oldest] = unsent;
    this.#facts = {
      files: cards.length,
      sizeBytes: files.sizeBytes,
      storedBytes,
      unsentFiles: unsent.length,
      unsentBytes: files.sizeBytes - storedBytes,
      ...(oldest === undefined ? {} : { oldestUnsentAtMs: oldest.takenAtMs }),
    };
  }

  get #folder(): string {
    return join(this.#options.directory, FOLDER);
  }

  #inLine<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#line.then(act);
    this.#line = done.catch(() => {});
    return done;
  }

  /** Resolves once everything that was asked is done. */
  async idle(): Promise<void> {
    await this.#line;
  }
}

/** The bridge has it, or never will, and that was said. */
function isOver(card: FileCard): boolean {
  return card.stored !== undefined || card.givenUp !== undefined;
}

/** Its series travels in the record. */
function isLevels({ type }: FileCard): boolean {
  return type === "levels";
}

function isUnsentClip(card: FileCard): boolean {
  return (card.type === "clip" || card.type === "file") && !isOver(card);
}

function keptFile({ sha256, sizeBytes, type, takenAtMs, stored }: FileCard): KeptFile {
  return { blob: sha256, sizeBytes, type, takenAtMs, ...(stored === undefined ? {} : { storedEpoch: stored.epoch }) };
}

/** No more than a record may list; what is left out is stated. */
function fitting(parts: readonly EvidencePart[], missing: readonly MissingPart[]) {
  const left = parts.slice(MAX_PARTS).map(({ name }) => ({ name, reason: "more parts than one evidence may have" }));
  return { parts: parts.slice(0, MAX_PARTS), missing: [...missing, ...left].slice(0, MAX_PARTS) };
}
