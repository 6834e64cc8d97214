import { type Static, Type } from "typebox";
import { DeviceId, NodeId } from "../../../protocol/ids.ts";

const Seconds = (most: number) => Type.Number({ exclusiveMinimum: 0, maximum: most });
const Output = Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,31}$" });
const Text = Type.String({ minLength: 1, maxLength: 2000 });
const Handset = Type.String({ pattern: "^[0-9]{1,16}$" });
const Nothing = Type.Object({});
/** How long the bridge keeps it for a node that is away. Left out: as long as the act makes sense. */
const expiresInS = Type.Optional(Type.Integer({ minimum: 5, maximum: 7 * 86_400 }));

/** What can be asked of a node. Each is signed, obeyed once, and answered by the node. */
export const CommandOrder = Type.Union([
  Type.Object({ kind: Type.Literal("restart"), args: Type.Optional(Nothing), expiresInS }, { title: "Restart" }),
  Type.Object(
    { kind: Type.Literal("diagnostics"), args: Type.Optional(Nothing), expiresInS },
    {
      title: "Diagnostics bundle",
      description: "Its result names an evidence, whose part is a .tar.gz without secrets.",
    },
  ),
  Type.Object(
    { kind: Type.Literal("snapshot"), args: Type.Object({ device: DeviceId }), expiresInS },
    { title: "Picture of a camera" },
  ),
  Type.Object(
    {
      kind: Type.Literal("clip"),
      args: Type.Object({ device: DeviceId, seconds: Type.Optional(Seconds(120)) }),
      expiresInS,
    },
    {
      title: "Clip of a camera",
      description:
        "Of the last `seconds`, as far back as its ring reaches (`ringS`): `lackingS` of its result is what it lacks.",
    },
  ),
  Type.Object(
    {
      kind: Type.Literal("text"),
      args: Type.Union([
        Type.Object({
          device: DeviceId,
          to: Handset,
          text: Text,
          proof: Type.Optional(Type.Union([Type.Literal("none"), Type.Literal("received"), Type.Literal("consumed")])),
        }),
        Type.Object({ device: DeviceId, output: Output, text: Text }),
      ]),
      expiresInS,
    },
    { title: "Text to a handset, or to a display" },
  ),
  Type.Object(
    {
      kind: Type.Literal("status"),
      args: Type.Object({ device: DeviceId, to: Handset, code: Type.Integer({ minimum: 0, maximum: 65_535 }) }),
      expiresInS,
    },
    { title: "Status to a handset" },
  ),
  Type.Object(
    {
      kind: Type.Literal("relay"),
      args: Type.Object({
        device: DeviceId,
        output: Type.Optional(Output),
        on: Type.Optional(Type.Boolean()),
        forS: Type.Optional(Seconds(86_400)),
        value: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535 })),
      }),
      expiresInS,
    },
    { title: "Switch an output" },
  ),
  Type.Object(
    {
      kind: Type.Literal("log-level"),
      args: Type.Object({
        device: DeviceId,
        level: Type.Union([Type.Literal("debug"), Type.Literal("info"), Type.Literal("warn"), Type.Literal("error")]),
        forS: Type.Optional(Seconds(86_400)),
      }),
      expiresInS,
    },
    { title: "How much one device says" },
  ),
  Type.Object(
    {
      kind: Type.Literal("update"),
      args: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      expiresInS,
    },
    { title: "Refused by this version of the node, by name" },
  ),
]);
export type CommandOrder = Static<typeof CommandOrder>;

export const CommandView = Type.Object({
  id: Type.String(),
  node: NodeId,
  kind: Type.String(),
  args: Type.Record(Type.String(), Type.Unknown()),
  /** `waiting` for a node that is away, `sent` and unanswered, `done`, `refused` with a reason, `expired` unanswered; `cancelled`, or `cancelling` until the node has said whether it was in time. */
  state: Type.Union([
    Type.Literal("waiting"),
    Type.Literal("sent"),
    Type.Literal("done"),
    Type.Literal("refused"),
    Type.Literal("cancelling"),
    Type.Literal("cancelled"),
    Type.Literal("expired"),
  ]),
  issuedBy: Type.String(),
  issuedAtMs: Type.Integer(),
  expiresAtMs: Type.Integer(),
  sentAtMs: Type.Optional(Type.Integer()),
  answeredAtMs: Type.Optional(Type.Integer()),
  cancelledAtMs: Type.Optional(Type.Integer()),
  cancelledBy: Type.Optional(Type.String()),
  /** The node's answer; while there is none, why it did not believe the command. */
  result: Type.Optional(
    Type.Object({
      ok: Type.Boolean(),
      code: Type.Optional(Type.String()),
      message: Type.Optional(Type.String()),
      value: Type.Optional(Type.Unknown()),
    }),
  ),
});
export type CommandView = Static<typeof CommandView>;
