import { Value } from "typebox/value";
import { NodeId } from "./ids.ts";

export const DEFAULT_TOPIC_PREFIX = "shao";

/** `up`, `receipt`, `state`, `down` stand alone; `blob` carries the SHA-256 of a file and `live` a stream. */
export type Topic =
  | { node: NodeId; channel: "up" | "receipt" | "state" | "down" }
  | { node: NodeId; channel: "blob" | "live"; name: string };

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** @throws RangeError when a part could not stand in a topic. */
export function buildTopic(topic: Topic, prefix = DEFAULT_TOPIC_PREFIX): string {
  const parts = [prefix, topic.node, topic.channel];
  if ("name" in topic) parts.push(topic.name);
  const text = parts.join("/");
  if (parseTopic(text, prefix) === undefined) throw new RangeError(`not a topic: ${text}`);
  return text;
}

/** @returns undefined for anything that is not exactly one of the contract's topics. */
export function parseTopic(text: string, prefix = DEFAULT_TOPIC_PREFIX): Topic | undefined {
  if (!text.startsWith(`${prefix}/`)) return undefined;
  const [node, channel, name, ...rest] = text.slice(prefix.length + 1).split("/");
  if (rest.length > 0 || node === undefined || !Value.Check(NodeId, node)) return undefined;
  switch (channel) {
    case "up":
    case "receipt":
    case "state":
    case "down":
      return name === undefined ? { node, channel } : undefined;
    case "blob":
    case "live":
      return name !== undefined && NAME.test(name) ? { node, channel, name } : undefined;
    default:
      return undefined;
  }
}
