import { encodeEnvelope } from "../../protocol/envelope.ts";
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
  readonly #compress: boolean;
  #ratio = 1;

  constructor(compress = true) {
    this.#compress = compress;
  }

  /** Packet bytes for one stored byte, as it was of late. */
  get ratio(): number {
    return this.#ratio;
  }

  pack(header: PackHeader, rows: readonly StoredRecord[]): Uint8Array {
    return encodeEnvelope(
      header,
      rows.map(({ bytes }) => bytes),
      this.#compress,
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
