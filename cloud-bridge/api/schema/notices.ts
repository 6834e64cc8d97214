import { type Static, Type } from "typebox";

/** `waiting`: to be told, or told and not proven · `delivered`: proven · `dead`: given up · `cancelled`: pointless by then. */
export const NoticeState = Type.Union([
  Type.Literal("waiting"),
  Type.Literal("delivered"),
  Type.Literal("dead"),
  Type.Literal("cancelled"),
]);

/** One message of the outbox. `channel` is `crew-page`, `vehicle`, `radio-text` or `webhook:NAME`. */
export const NoticeView = Type.Object({
  id: Type.Integer(),
  channel: Type.String(),
  state: NoticeState,
  reason: Type.String(),
  address: Type.Optional(Type.String()),
  caseId: Type.String(),
  /** Of the alarm that it goes back to; absent of what is about no case. */
  trace: Type.Optional(Type.String()),
  assignmentId: Type.Optional(Type.String()),
  crewId: Type.Optional(Type.String()),
  createdAtMs: Type.Integer(),
  attempts: Type.Integer(),
  nextTryAtMs: Type.Optional(Type.Integer()),
  /** Code and sentence: why the last attempt told nobody. */
  lastError: Type.Optional(Type.String()),
  deliveredAtMs: Type.Optional(Type.Integer()),
  /** Who, and how it is known, e.g. `issi:2001 received`, `http 204`. */
  deliveredTo: Type.Optional(Type.String()),
  commandId: Type.Optional(Type.String()),
});
export type NoticeView = Static<typeof NoticeView>;

export const Backlog = Type.Object({
  channel: Type.String(),
  waiting: Type.Integer(),
  dead: Type.Integer(),
  oldestWaitingAtMs: Type.Optional(Type.Integer()),
});
