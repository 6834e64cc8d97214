import { randomUUID } from "node:crypto";
import { LIVE_LEASE_MS } from "../../protocol/limits.ts";
import { COMMAND_VERSION } from "../../protocol/session.ts";
import { buildTopic } from "../../protocol/topics.ts";
import type { ApiOptions } from "./context.ts";
import type { LiveVideoOptions } from "./live-video.ts";

/** Asks a node for the video of a camera, or with `forMs` 0 for no more of it: signed, for whoever is there now. */
export function liveOrder(options: ApiOptions): LiveVideoOptions["order"] {
  const { authority, clock, link, onLease, topicPrefix } = options;
  return async (node, camera, forMs) => {
    const issuedAtMs = clock.nowMs();
    const command = authority.signCommand({
      v: COMMAND_VERSION,
      id: randomUUID(),
      node,
      kind: "live",
      args: { device: camera, stream: "video", forMs },
      ...{ issuedAtMs, expiresAtMs: issuedAtMs + LIVE_LEASE_MS },
    });
    const topic = buildTopic({ node, channel: "down" }, topicPrefix);
    if (!(await link.publish(topic, Buffer.from(JSON.stringify(command)), 1))) return false;
    onLease?.(node, camera, issuedAtMs + forMs);
    return true;
  };
}
