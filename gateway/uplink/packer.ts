import { encodeEnvelope } from "../../protocol/envelope.ts";
import { DICTIONARIES, type Packing } from "../../protocol/packing.ts";
import type { StoredRecord } from "../contracts/journal.ts";

export interface PackHeader {
  readonly v: number;
  readonly run: string;
  readonly head: number;
  /** Only for the running run. */
  readonly upMs?: number;
}

export interface Packed {
  readonly rows: readonly StoredRecord[];
  readonly bytes: Uint8Array;
}

/** Makes packets of rows, and remembers how well rows pack, so that a read asks for about as many as fit. */
export class Packer {
  #packing: Packing;
  #isDistrusted = false;
  #ratio = 1;

  constructor(compress = true) {
    this.#packing = compress ? "zstd" : "plain";
  }

  /** What the bridge says that it unpacks with. */
  offer(dictionaries: readonly number[] = []): void {
    if (this.#packing === "plain" || this.#isDistrusted) return;
    this.#packing = DICTIONARIES.some((id) => dictionaries.includes(id)) ? "dictionary" : "zstd";
  }

  /** Something could not be opened: another process of the bridge may be of an earlier version than the one that answered. */
  distrust(): void {
    this.#isDistrusted = true;
    if (this.#packing === "dictionary") this.#packing = "zstd";
  }

  /** Packet bytes for one stored byte, as it was of late. */
  get ratio(): number {
    return this.#ratio;
  }

  pack(header: PackHeader, rows: readonly StoredRecord[]): Uint8Array {
    return encodeEnvelope(
      header,
      rows.map(({ bytes }) => bytes),
      this.#packing,
    );
  }

  /** The longest beginning of `rows`, at least one, whose packet is about as large as the limit and never larger. */
  fit(header: PackHeader, rows: readonly StoredRecord[], limitBytes: number): Packed {
    let fitting = rows;
    let bytes = this.pack(header, fitting);
    while (bytes.length > limitBytes && fitting.length > 1) {
      fitting = fitting.slice(0, Math.max(1, Math.floor((fitting.length * limitBytes) / bytes.length) - 1));
      bytes = this.pack(header, fitting);
    }
    const storedBytes = fitting.reduce((sum, row) => sum + row.bytes.length, 0);
    this.#ratio += (Math.min(1, bytes.length / Math.max(1, storedBytes)) - this.#ratio) / 4;
    return { rows: fitting, bytes };
  }
}
