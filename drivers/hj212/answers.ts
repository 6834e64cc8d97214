import { composeFrame, composeSegment, SYSTEM_INTERACTION } from "./compose.ts";
import { COMMAND } from "./decode.ts";
import { formatLocalTime, formatRequestNumber } from "./local-time.ts";
import type { Message } from "./segment.ts";

export const ANSWER = { request: 9011, result: 9012, notice: 9013, data: 9014, heartbeat: 9015 } as const;
/** A station asks for the time; the centre sets it. */
export const TIME = { wanted: 1013, set: 1012 } as const;

const DATA: readonly number[] = Object.values(COMMAND);

/** Command number of the answer that a station waits for; undefined: none is due. */
export function answerTo(command: number): number | undefined {
  if (DATA.includes(command)) return ANSWER.data;
  if (command === ANSWER.heartbeat || command === TIME.wanted) return ANSWER.notice;
  return undefined;
}

/** The answer to a message, with its own QN, PW and MN. @source HJ 212-2017, appendix C: 9013, 9014; HJ 212-2025: 9015 */
export function composeAnswer(message: Message, command: number): Uint8Array | undefined {
  const { qn, password, mn, edition } = message;
  if (qn === undefined) return undefined;
  return composeFrame(composeSegment({ qn, system: SYSTEM_INTERACTION, command, password, mn, edition }, ""));
}

/** Sets a station's clock. @source HJ 212-2017, appendix C: command 1012 */
export function composeSetTime(message: Message, nowMs: number): Uint8Array {
  const { system, password, mn, edition } = message;
  const head = { qn: formatRequestNumber(nowMs), system, command: TIME.set, password, mn, edition, needsAnswer: true };
  return composeFrame(composeSegment(head, `SystemTime=${formatLocalTime(nowMs)}`));
}
