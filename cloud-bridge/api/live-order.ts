import { randomUUID } from "node:crypto";
import { LIVE_LEASE_MS } from "../../protocol/limits.ts";
import { COMMAND_VERSION } from "../../protocol/session.ts";
import { buildTopic } from "../../protocol/topics.ts";
import type { ApiOptions } from "./context.ts";
import type { LiveVideoOptions } from "./live-video.ts";

/**
 * Asks a node for the video of a camera, or with `forMs` 0 for no more of it: signed, for whoever is there now. Who leaves one
 * process takes it from nobody at another: the last of them ends it, or its lease does.
 */
export function liveOrder(options: ApiOptions): LiveVideoOptions["order"] {
  const { authority, clock, isVideoElsewhere, link, onVideo, topicPrefix } = options;
  return async (node, camera, forMs) => {
    const issuedAtMs = clock.nowMs();
    onVideo?.(node, camera, issuedAtMs + forMs);
    if (forMs === 0 && isVideoElsewhere?.(node, camera) === true) return true;
    const command = authority.signCommand({
      v: COMMAND_VERSION,
      id: randomUUID(),
      node,
      kind: "live",
      args: { device: camera, stream: "video", forMs },
      ...{ issuedAtMs, expiresAtMs: issuedAtMs + LIVE_LEASE_MS },
    });
    const topic = buildTopic({ node, channel: "down" }, topicPrefix);
    return link.publish(topic, Buffer.from(JSON.stringify(command)), 1);
  };
}
