import type { DriverError } from "./errors.ts";

/** What one captured frame or line says: a value in the names of the Reading schema, or why it gives none. */
export type DecodedItem = { readonly reading: object } | { readonly fault: DriverError };

/** Reads one capture from its beginning to its end. Bounded in memory whatever it is fed; never throws on bytes. */
export interface FrameDecoder {
  /** One whole frame, as a line of hex gave it. */
  frame(bytes: Uint8Array): readonly DecodedItem[];
  /** The next bytes of a raw capture; frames may begin and end anywhere. */
  push(bytes: Uint8Array): readonly DecodedItem[];
  /** No more bytes come: what was held back, and a fault for a frame that was cut. */
  end(): readonly DecodedItem[];
}

/** How to decode one kind of capture, exported by a driver's capture.ts. */
export interface CaptureFormat {
  /** Models whose captures differ; the first is the default. Absent: there is only one. */
  readonly profiles?: readonly string[];
  /** Frames may end within a byte: a line of hex with an odd digit is padded with zero bits. */
  readonly allowsHalfByte?: boolean;
  /** @param profile one of `profiles`, where there are any */
  decoder(profile?: string): FrameDecoder;
}
