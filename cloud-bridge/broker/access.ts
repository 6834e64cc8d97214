import { parseTopic } from "../../protocol/topics.ts";

/** Why a connection or a message was refused; each is counted, for /metrics and for the health of the bridge. */
export const REFUSALS = [
  "no-tls",
  "no-certificate",
  "foreign-certificate",
  "hijacked-id",
  "node-unknown",
  "node-revoked",
  "certificate-replaced",
  "not-a-node-id",
  "persistent-session",
  "foreign-will",
  "foreign-topic",
  "foreign-subscription",
  "retained",
  "quality-of-service",
  "oversized",
  "malformed",
  "too-slow",
] as const;
export type Refusal = (typeof REFUSALS)[number];

export interface MessageFacts {
  readonly topic: string;
  readonly qos: number;
  readonly retain: boolean;
}

/** A node speaks only on its own topics towards the bridge. Only `state` may be retained. */
export function publishRefusal(
  node: string,
  { topic, qos, retain }: MessageFacts,
  prefix: string,
): Refusal | undefined {
  const parsed = parseTopic(topic, prefix);
  if (parsed === undefined || parsed.node !== node) return "foreign-topic";
  if (parsed.channel === "receipt" || parsed.channel === "down") return "foreign-topic";
  if (retain && parsed.channel !== "state") return "retained";
  if (qos > 1) return "quality-of-service";
  return undefined;
}

/** A will stands in for the node's last word on its own `state`, nowhere else. */
export function willRefusal(node: string, will: MessageFacts, prefix: string): Refusal | undefined {
  const parsed = parseTopic(will.topic, prefix);
  if (parsed?.channel !== "state" || parsed.node !== node) return "foreign-will";
  return publishRefusal(node, will, prefix);
}

/** A node hears only its own receipts and commands: no wildcard, no `$share`, nobody else's topic parses as that. */
export function subscribeRefusal(node: string, filter: string, prefix: string): Refusal | undefined {
  const parsed = parseTopic(filter, prefix);
  const isOwn = parsed?.node === node && (parsed.channel === "receipt" || parsed.channel === "down");
  return isOwn ? undefined : "foreign-subscription";
}
