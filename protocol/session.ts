import { type Static, Type } from "typebox";
import { AlarmId, Count, NodeId, RunId, Seq, Sha256 } from "./ids.ts";

/** Inclusive span of seqs, first ≤ last. */
export const SeqRange = Type.Tuple([Seq, Seq]);
export type SeqRange = Static<typeof SeqRange>;

export const MAX_RUNS_PER_PAGE = 500;
export const SessionId = Type.String({ pattern: "^[A-Za-z0-9_-]{22}$" });
export type SessionId = Static<typeof SessionId>;

/**
 * One page of what the node holds, newest run first, sent on `up` at connect and every 5 s until answered.
 * `first`..`head` are the seqs that the run ever had (`first` is 1 unless the run is lost in part); an empty run has head 0.
 * `open` stands on the last page: the alarms that are open on the node now.
 */
export const Hello = Type.Object({
  v: Type.Integer({ minimum: 1 }),
  type: Type.Literal("hello"),
  session: SessionId,
  /** Version range that the node can write. */
  versions: Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1, maxItems: 8 }),
  page: Type.Integer({ minimum: 0 }),
  last: Type.Boolean(),
  /** The run that is being written now. */
  current: RunId,
  runs: Type.Array(Type.Object({ run: RunId, first: Seq, head: Count }), { maxItems: MAX_RUNS_PER_PAGE }),
  open: Type.Array(AlarmId, { maxItems: 5000 }),
});
export type Hello = Static<typeof Hello>;

/**
 * The bridge's answer to one page of hello, on `receipt`; applies alone, and its runs may send at once.
 * Asked for is every seq ≤ head that is named neither as stored nor as declared: stored is 1..through less `missing`
 * less `declared`; a row that the node holds is sent if it is missing, declared, or beyond `through`.
 */
export const Have = Type.Object({
  v: Type.Integer({ minimum: 1 }),
  type: Type.Literal("have"),
  bridge: Type.String({ maxLength: 64 }),
  epoch: Type.String({ maxLength: 64 }),
  session: SessionId,
  page: Type.Integer({ minimum: 0 }),
  last: Type.Boolean(),
  /** Versions that the bridge reads. */
  versions: Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1, maxItems: 16 }),
  /** Ids of the zstd dictionaries that it unpacks with. Absent from earlier bridges. */
  dictionaries: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }), { maxItems: 16 })),
  /** The bridge's UTC, for display of the skew only. */
  nowMs: Type.Integer({ minimum: 0 }),
  runs: Type.Array(
    Type.Object({
      run: RunId,
      through: Type.Integer({ minimum: 0 }),
      missing: Type.Array(SeqRange),
      declared: Type.Array(SeqRange),
    }),
    { maxItems: MAX_RUNS_PER_PAGE },
  ),
});
export type Have = Static<typeof Have>;

/** The bridge's word, after its commit, that these seqs are in its database. Ranges are inclusive. */
export const Receipt = Type.Object({
  v: Type.Integer({ minimum: 1 }),
  type: Type.Literal("receipt"),
  bridge: Type.String({ maxLength: 64 }),
  epoch: Type.String({ maxLength: 64 }),
  run: RunId,
  ranges: Type.Array(SeqRange),
  /** Stored in quarantine: not to be sent again. */
  refused: Type.Array(Type.Object({ seq: Seq, code: Type.String({ maxLength: 64 }) })),
});
export type Receipt = Static<typeof Receipt>;

/** The bridge could not open an envelope with this hash of its bytes: its items are to be sent singly. */
export const Undecodable = Type.Object({
  v: Type.Integer({ minimum: 1 }),
  type: Type.Literal("undecodable"),
  bridge: Type.String({ maxLength: 64 }),
  epoch: Type.String({ maxLength: 64 }),
  sha256: Sha256,
});
export type Undecodable = Static<typeof Undecodable>;

/** Asks the node to say hello again (the bridge has no session for what just came). */
export const SayHello = Type.Object({
  v: Type.Integer({ minimum: 1 }),
  type: Type.Literal("say-hello"),
  bridge: Type.String({ maxLength: 64 }),
  epoch: Type.String({ maxLength: 64 }),
});
export type SayHello = Static<typeof SayHello>;

/**
 * About one blob, which is named by the SHA-256 of its bytes; one for each offer and each chunk, in their order. Exactly one
 * of `next`, `stored`, `restart`, `refused` and `offer` is there.
 */
export const BlobReceipt = Type.Object({
  v: Type.Integer({ minimum: 1 }),
  type: Type.Literal("blob"),
  bridge: Type.String({ maxLength: 64 }),
  epoch: Type.String({ maxLength: 64 }),
  blob: Sha256,
  /** The bridge has the bytes before this offset, and wants those from it on. Proves nothing: they may be asked for again. */
  next: Type.Optional(Type.Integer({ minimum: 0 })),
  /** With `next`: not before so many milliseconds; there is no room now. */
  waitMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** The whole file is on the bridge's disk and has this hash: the node may let its own go. */
  stored: Type.Optional(Sha256),
  /** What was put together has another hash: all of it once more. Said once for each blob. */
  restart: Type.Optional(Type.Literal(true)),
  /** Never to be sent again, and why. */
  refused: Type.Optional(Type.String({ maxLength: 64 })),
  /** The bridge does not know how long this blob is: offer it first. */
  offer: Type.Optional(Type.Literal(true)),
});
export type BlobReceipt = Static<typeof BlobReceipt>;

/** Everything on `receipt`. */
export const ReceiptMessage = Type.Union([Have, Receipt, Undecodable, SayHello, BlobReceipt]);
export type ReceiptMessage = Static<typeof ReceiptMessage>;

/** Retained on `state`, and the last will (`online: false`). A will of another session than the retained one is ignored. */
export const NodeState = Type.Object({
  v: Type.Integer({ minimum: 1 }),
  online: Type.Boolean(),
  session: SessionId,
  version: Type.String({ maxLength: 64 }),
});
export type NodeState = Static<typeof NodeState>;

/** Of the form of a command. A node obeys no older one. */
export const COMMAND_VERSION = 1;

/**
 * What a node can be asked for, with its `args`; `device` names one of the node's config.
 * `live {device}` one lease of 60 s · `text {device, to, text, proof?}` or `{device, output, text}` for a display ·
 * `status {device, to, code}` a pre-coded status to a handset · `relay {device, output, on, forS?}` or `{…, value}` ·
 * `snapshot {device}` · `clip {device, seconds?}` · `log-level {device, level, forS?}` · `diagnostics {}` · `restart {}` ·
 * `cancel {command, kind}` takes back a command of this node that it has not begun: that one is answered as refused ·
 * `assignment` an AssignmentNotice for the local page of a vehicle · `config` a ConfigOrder or a ConfigAsk (twin.ts) ·
 * `update`: refused by name in this version.
 */
export const CommandKind = Type.Union([
  Type.Literal("live"),
  Type.Literal("text"),
  Type.Literal("status"),
  Type.Literal("restart"),
  Type.Literal("config"),
  Type.Literal("relay"),
  Type.Literal("snapshot"),
  Type.Literal("diagnostics"),
  Type.Literal("clip"),
  Type.Literal("update"),
  Type.Literal("log-level"),
  Type.Literal("assignment"),
  Type.Literal("cancel"),
]);
export type CommandKind = Static<typeof CommandKind>;

/** On `down`. Signed by the bridge; idempotent by id; its one answer is a `result` record. */
export const Command = Type.Object({
  v: Type.Integer({ minimum: 0 }),
  id: Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" }),
  /** For whom it is. Without it only what changes nothing is obeyed. */
  node: Type.Optional(NodeId),
  kind: CommandKind,
  args: Type.Record(Type.String(), Type.Unknown()),
  issuedAtMs: Type.Integer({ minimum: 0 }),
  expiresAtMs: Type.Integer({ minimum: 0 }),
  keyId: Type.String({ maxLength: 64 }),
  /** Ed25519 over the canonical JSON (sorted keys, no spaces) of all other fields, base64. */
  sig: Type.String({ maxLength: 128 }),
});
export type Command = Static<typeof Command>;

/** Body on `live/<stream>` at QoS 0, while a viewer holds a lease; stream = device id. Never journaled. */
export const LiveLevel = Type.Object({
  atMs: Type.Integer({ minimum: 0 }),
  levelDb: Type.Union([Type.Number(), Type.Null()]),
  flags: Type.Array(Type.String({ maxLength: 32 })),
});
export type LiveLevel = Static<typeof LiveLevel>;
