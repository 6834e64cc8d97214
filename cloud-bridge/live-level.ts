import { Value } from "typebox/value";
import { LiveLevel } from "../protocol/session.ts";
import type { LatestStills } from "./api/latest-stills.ts";
import type { LiveLeases } from "./api/live-leases.ts";
import type { LiveVideo } from "./api/live-video.ts";

/** Whoever looks at what nodes show now. */
export interface Watched {
  readonly leases: LiveLeases;
  readonly stills: LatestStills;
  readonly video: LiveVideo;
}

/** What a node published on `live`: video or a still of a camera, or a level, for those who watch. */
export function showLive(watched: Watched | undefined, node: string, device: string, bytes: Uint8Array): void {
  if (watched === undefined) return;
  if (watched.video.take(node, device, bytes) || watched.stills.take(node, device, bytes)) return;
  const level = levelOf(bytes);
  if (level !== undefined) watched.leases.level(node, device, level);
}

/** A level as a node published it on `live`; undefined where it is none. */
export function levelOf(bytes: Uint8Array): LiveLevel | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    return Value.Check(LiveLevel, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
