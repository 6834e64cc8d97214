import { Value } from "typebox/value";
import { LiveLevel } from "../protocol/session.ts";

/** A level as a node published it on `live`; undefined where it is none. */
export function levelOf(bytes: Uint8Array): LiveLevel | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    return Value.Check(LiveLevel, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
