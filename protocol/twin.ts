import { type Static, Type } from "typebox";
import { Sha256 } from "./ids.ts";

/** Longest config that a command carries, as text. */
export const MAX_CONFIG_CHARACTERS = 40_000;
/** For how long the self-test wants everything well at a stretch, where the order does not say. */
export const DEFAULT_HOLD_S = 30;

/** Grows with each config that the bridge wants on a node: one that is not newer is refused. */
export const ConfigRevision = Type.Integer({ minimum: 1, maximum: 1_000_000_000 });

/**
 * `args` of a `config` command: this document is to be in force. `sha256` is its content hash (content-hash.ts). What stands
 * in the place of a secret (`***`) is the box's own at that place. The answer comes when the self-test is over: done with a
 * ConfigApplied, or refused, `CONFIG_REVERTED` where it was tried.
 */
export const ConfigOrder = Type.Object({
  revision: ConfigRevision,
  sha256: Sha256,
  document: Type.String({ minLength: 1, maxLength: MAX_CONFIG_CHARACTERS }),
  holdS: Type.Optional(Type.Integer({ minimum: 1, maximum: 3600 })),
});
export type ConfigOrder = Static<typeof ConfigOrder>;

/** `args` of a `config` command that only asks what is in force. */
export const ConfigAsk = Type.Object({ read: Type.Literal(true) });
export type ConfigAsk = Static<typeof ConfigAsk>;

export const ConfigSource = Type.Union([Type.Literal("file"), Type.Literal("bridge")]);
export type ConfigSource = Static<typeof ConfigSource>;

/** What a node says with each start of the config that is in force. */
export const ReportedConfig = Type.Object({
  /** Content hash of what is in force. */
  sha256: Sha256,
  /** `file`: the site's own file · `bridge`: one that the bridge sent. */
  source: ConfigSource,
  /** Newest that was ever taken from the bridge, in force or not. */
  revision: Type.Optional(ConfigRevision),
  /** What the node goes back to: the newest that its self-test confirmed, or the site's file. */
  lastGood: Sha256,
  /** It is being tried, and not confirmed yet. */
  isTrial: Type.Boolean(),
});
export type ReportedConfig = Static<typeof ReportedConfig>;

/** `value` of the answer to an order that was obeyed. */
export const ConfigApplied = Type.Object({
  state: Type.Union([Type.Literal("applied"), Type.Literal("unchanged")]),
  sha256: Sha256,
  revision: ConfigRevision,
});
export type ConfigApplied = Static<typeof ConfigApplied>;

/** `value` of the answer to an ask: the document without secrets, deflated (raw), in base64. */
export const ConfigTold = Type.Object({
  sha256: Sha256,
  source: ConfigSource,
  deflated: Type.String({ maxLength: 3000 }),
});
export type ConfigTold = Static<typeof ConfigTold>;
