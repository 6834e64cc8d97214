import { signal } from "@preact/signals";

export type CauseAct = "note" | "withdraw" | "false-alarm" | "close-unverified" | "reopen";
export type Asked =
  | CauseAct
  | "close-event"
  | "suspend"
  | "locate"
  | "categorise"
  | "transfer"
  | "outcome"
  | "whistle"
  | "merge"
  | "open-child";

/** The act whose form is open: a button or a key asks for it. */
export const asked = signal<Asked | undefined>(undefined);
