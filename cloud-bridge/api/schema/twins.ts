import { type Static, Type } from "typebox";
import { NodeId, Sha256 } from "../../../protocol/ids.ts";
import { ConfigRevision, MAX_CONFIG_CHARACTERS, ReportedConfig } from "../../../protocol/twin.ts";

const Document = Type.String({ minLength: 1, maxLength: MAX_CONFIG_CHARACTERS });
const HoldS = Type.Integer({ minimum: 1, maximum: 3600 });

/** What a node is to have, as YAML. `***` stands where the box keeps its own secret. */
export const DesiredConfigView = Type.Object({
  revision: ConfigRevision,
  /** Of what it says: comments, order and secrets do not count. */
  sha256: Sha256,
  document: Type.String(),
  note: Type.Optional(Type.String()),
  createdBy: Type.String(),
  createdAtMs: Type.Integer(),
});
export type DesiredConfigView = Static<typeof DesiredConfigView>;

export const TwinState = Type.Union([
  Type.Literal("unmanaged"),
  Type.Literal("draft"),
  Type.Literal("waiting"),
  Type.Literal("sent"),
  Type.Literal("trying"),
  Type.Literal("in-sync"),
  Type.Literal("reverted"),
  Type.Literal("refused"),
  Type.Literal("expired"),
  Type.Literal("cancelled"),
  Type.Literal("drift"),
]);
export type TwinState = Static<typeof TwinState>;

/**
 * A node's config: what it is to have, what it says it has, what it goes back to. `unmanaged`: nobody has said · `draft`: not
 * applied · `waiting` for a node that is away · `sent` · `trying` · `in-sync` · `reverted` or `refused` with its reason ·
 * `expired` unanswered · `cancelled` before the node began · `drift`: it was applied, and something else is in force.
 */
export const TwinView = Type.Object({
  node: NodeId,
  state: TwinState,
  desired: Type.Optional(Type.Omit(DesiredConfigView, ["document"])),
  reported: Type.Optional(Type.Object({ ...ReportedConfig.properties, atMs: Type.Integer() })),
  /** Its document is known here since then. */
  told: Type.Optional(Type.Object({ sha256: Sha256, atMs: Type.Integer() })),
  reason: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
  command: Type.Optional(
    Type.Object({
      id: Type.String(),
      state: Type.String(),
      issuedBy: Type.String(),
      issuedAtMs: Type.Integer(),
      expiresAtMs: Type.Integer(),
      answeredAtMs: Type.Optional(Type.Integer()),
    }),
  ),
});
export type TwinView = Static<typeof TwinView>;

export const InForceView = Type.Object({ sha256: Sha256, document: Type.String(), atMs: Type.Integer() });
export type InForceView = Static<typeof InForceView>;

export const ConfigPut = Type.Object({
  document: Document,
  note: Type.Optional(Type.String({ maxLength: 500 })),
});
export const ConfigCheck = Type.Object({
  document: Document,
  /** In which language the faults are told. */
  locale: Type.Optional(Type.Union([Type.Literal("en"), Type.Literal("zh-CN")])),
});

export const ConfigChangeView = Type.Object({
  path: Type.String(),
  from: Type.Optional(Type.Unknown()),
  to: Type.Optional(Type.Unknown()),
});
export const ConfigCheckView = Type.Object({
  faults: Type.Array(
    Type.Object({
      line: Type.Integer(),
      column: Type.Integer(),
      path: Type.String(),
      message: Type.String(),
      expected: Type.String(),
      example: Type.Optional(Type.String()),
      suggestion: Type.Optional(Type.String()),
    }),
  ),
  /** Against what is in force, where that is known here. */
  changes: Type.Optional(Type.Array(ConfigChangeView)),
});
export type ConfigCheckView = Static<typeof ConfigCheckView>;
export const ConfigDiffView = Type.Object({ changes: Type.Array(ConfigChangeView) });
export type ConfigDiffView = Static<typeof ConfigDiffView>;

/** `holdS`: for so long everything has to be well at a stretch. `expiresInS`: kept for so long for a node that is away. */
export const ApplyBody = Type.Object({
  holdS: Type.Optional(HoldS),
  expiresInS: Type.Optional(Type.Integer({ minimum: 60, maximum: 7 * 86_400 })),
});
export const RevertBody = Type.Object({ ...ApplyBody.properties, revision: ConfigRevision });

/** The same change for several nodes: a JSON merge patch (RFC 7396) over each one's own config. */
export const RolloutBody = Type.Object({
  nodes: Type.Array(NodeId, { minItems: 1, maxItems: 2000, uniqueItems: true }),
  patch: Type.Record(Type.String({ maxLength: 64 }), Type.Unknown()),
  sharePct: Type.Integer({ minimum: 1, maximum: 100 }),
  stopAbovePct: Type.Integer({ minimum: 0, maximum: 100 }),
  holdS: Type.Optional(HoldS),
});

export const RolloutView = Type.Object({
  id: Type.String(),
  state: Type.Union([Type.Literal("running"), Type.Literal("stopped"), Type.Literal("done")]),
  reason: Type.Optional(Type.String()),
  patch: Type.Unknown(),
  sharePct: Type.Integer(),
  stopAbovePct: Type.Integer(),
  holdS: Type.Integer(),
  createdBy: Type.String(),
  createdAtMs: Type.Integer(),
  endedAtMs: Type.Optional(Type.Integer()),
  nodes: Type.Array(
    Type.Object({
      node: NodeId,
      state: Type.Union([
        Type.Literal("next"),
        Type.Literal("away"),
        Type.Literal("trying"),
        Type.Literal("applied"),
        Type.Literal("reverted"),
        Type.Literal("refused"),
        Type.Literal("expired"),
        Type.Literal("cancelled"),
      ]),
      reason: Type.Optional(Type.String()),
    }),
  ),
});
export type RolloutView = Static<typeof RolloutView>;
