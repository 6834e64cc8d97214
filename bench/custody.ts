import { alarmPart } from "./custody-alarm.ts";
import { drainPart } from "./custody-drain.ts";
import { flashPart } from "./custody-flash.ts";
import { journalPart } from "./custody-journal.ts";
import type { CustodyPart } from "./custody-part.ts";
import { peersPart } from "./custody-peers.ts";
import { startPart } from "./custody-start.ts";
import { runParts } from "./parts.ts";

const PARTS: Readonly<Record<string, CustodyPart>> = {
  journal: journalPart,
  drain: drainPart,
  alarm: alarmPart,
  flash: flashPart,
  start: startPart,
  peers: peersPart,
};
await runParts("custody", PARTS);
