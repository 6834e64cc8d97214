import type { MessageReading } from "../../drivers/driver.ts";
import type { AlarmBody } from "../../protocol/alarm.ts";
import type { Position } from "../../protocol/ids.ts";
import { SAME_ALARM_MS, UPDATE_EVERY_MS } from "../../protocol/limits.ts";
import type { NewRecord } from "../../protocol/record.ts";
import { subjectKey } from "../../protocol/subject-key.ts";
import type { JournalRestore, JournalWrite } from "../contracts/journal.ts";
import type { OutputBuilder } from "./output.ts";
import { type Now, type SteadyTime, stampOf } from "./steady-time.ts";
import { type Stream, streamKey, streamOfAlarm } from "./stream.ts";

/** The built-in rule: it needs no config and cannot be turned off. */
export const EMERGENCY_RULE = "emergency";

/** After this long without a word the next one is a new call of the same alarm, not one more repeat. */
const CALLED_AGAIN_AFTER_MS = 120_000;
/** A fix this far in time from the call still says where the caller is. */
const PLACE_WITHIN_MS = 10 * 60_000;
/** Callers whose calls and places are remembered; the one that was heard longest ago gives way. */
const MAX_CALLERS = 20_000;

type Stamp = Pick<NewRecord, "atMs" | "upMs" | "timeQuality">;

/** One alarm, and when its caller was heard. Times are steady. */
interface Call {
  body: AlarmBody;
  readonly fromMs: number;
  heardMs: number;
  revisedMs: number;
}

interface Caller {
  readonly calls: Call[];
  takenMs: number;
}

interface Place {
  readonly position: Position;
  readonly seenMs: number;
}

/**
 * Every emergency message is an alarm of its caller: the device, or the subject behind it. A call that repeats stays the
 * same alarm until ten minutes after it was last heard, revised at most every 30 s, and at once when its place becomes
 * known. It happened and does not clear, so that the journal never holds it as open.
 */
export class EmergencyWatch {
  readonly #time: SteadyTime;
  readonly #newAlarmId: (atMs: number) => string;
  readonly #devicePosition: () => Position | undefined;
  readonly #callers = new Map<string, Caller>();
  readonly #places = new Map<string, Place>();

  constructor(
    recent: JournalRestore["recentAlarms"],
    time: SteadyTime,
    now: Now,
    newAlarmId: (atMs: number) => string,
    devicePosition: () => Position | undefined,
  ) {
    this.#time = time;
    this.#newAlarmId = newAlarmId;
    this.#devicePosition = devicePosition;
    const steadyMs = time.steadyMs(now);
    for (const { device, subject, body } of recent) {
      if (body.family !== "emergency") continue;
      const heardMs = Math.min(body.stateAtMs, steadyMs);
      const call = { body, fromMs: Math.min(body.raisedAtMs, heardMs), heardMs, revisedMs: heardMs };
      this.#caller(streamKey(streamOfAlarm(device, subject)), steadyMs).calls.push(call);
    }
  }

  /** @param stamp head of the message's record; the alarm's is the same */
  accept(stream: Stream, reading: MessageReading, now: Now, stamp: Stamp, output: OutputBuilder): void {
    const steadyMs = this.#time.steadyMs(now);
    const heardMs = steadyMs - Math.max(0, now.atMs - reading.atMs);
    const key = streamKey(stream);
    const caller = this.#caller(key, steadyMs);
    const { kind: _, atMs: __, ...message } = reading;
    const record: NewRecord = { kind: "message", ...stamp, ...stream, body: message };
    const call = caller.calls.findLast((known) => isOneCall(known, heardMs));
    const position = reading.position ?? this.#placeOf(stream, heardMs);
    const atMs = Math.max(0, Math.round(reading.atMs));
    const body =
      call === undefined
        ? this.#raise(caller, position, atMs, heardMs, now)
        : repeat(call, position, atMs, heardMs, steadyMs);
    if (body === undefined) output.add({ append: [record] }, "grouped");
    else output.add(written(stream, body, stamp, record), "urgent");
  }

  /** Where a caller is: perhaps its call waits for that. */
  seen(stream: Stream, position: Position, ageMs: number, now: Now, output: OutputBuilder): void {
    const key = streamKey(stream);
    const seenMs = this.#time.steadyMs(now) - ageMs;
    if ((this.#places.get(key)?.seenMs ?? Number.NEGATIVE_INFINITY) > seenMs) return;
    this.#places.delete(key);
    this.#places.set(key, { position, seenMs });
    dropOldest(this.#places);
    const call = this.#callers.get(key)?.calls.findLast((known) => isOneCall(known, seenMs));
    if (call === undefined || call.body.position !== undefined) return;
    call.body = { ...call.body, rev: call.body.rev + 1, phase: "updated", position };
    output.add(written(stream, call.body, stampOf(now)), "urgent");
  }

  #raise(caller: Caller, position: Position | undefined, atMs: number, heardMs: number, now: Now): AlarmBody {
    const body: AlarmBody = {
      alarmId: this.#newAlarmId(now.atMs),
      rev: 1,
      phase: "raised",
      family: "emergency",
      nature: "event",
      rule: EMERGENCY_RULE,
      ruleKind: EMERGENCY_RULE,
      raisedAtMs: atMs,
      stateAtMs: atMs,
      limits: {},
      windows: [],
      ...(position === undefined ? {} : { position }),
      evidence: [],
    };
    caller.calls.push({ body, fromMs: heardMs, heardMs, revisedMs: this.#time.steadyMs(now) });
    return body;
  }

  /** A handset is where it was seen, never where its radio stands. */
  #placeOf(stream: Stream, heardMs: number): Position | undefined {
    const place = this.#places.get(streamKey(stream));
    if (place !== undefined && Math.abs(heardMs - place.seenMs) <= PLACE_WITHIN_MS) return place.position;
    return stream.subject === undefined ? this.#devicePosition() : undefined;
  }

  /** The caller's calls, without those that are too old for any repeat. */
  #caller(key: string, steadyMs: number): Caller {
    const known = this.#callers.get(key);
    const calls = (known?.calls ?? []).filter(
      (call) => steadyMs - (known?.takenMs ?? 0) <= SAME_ALARM_MS || isOneCall(call, steadyMs),
    );
    const caller = { calls: calls.slice(-8), takenMs: steadyMs };
    this.#callers.delete(key);
    this.#callers.set(key, caller);
    dropOldest(this.#callers);
    return caller;
  }
}

function isOneCall({ fromMs, heardMs }: Call, atMs: number): boolean {
  return atMs >= fromMs - SAME_ALARM_MS && atMs <= heardMs + SAME_ALARM_MS;
}

/** @returns the revision to write, or undefined where the last one still says it */
function repeat(
  call: Call,
  position: Position | undefined,
  atMs: number,
  heardMs: number,
  steadyMs: number,
): AlarmBody | undefined {
  const { body } = call;
  const isNewCall = heardMs - call.heardMs > CALLED_AGAIN_AFTER_MS;
  const isPlaced = body.position === undefined && position !== undefined;
  call.heardMs = Math.max(call.heardMs, heardMs);
  if (!isNewCall && !isPlaced && steadyMs - call.revisedMs < UPDATE_EVERY_MS) return undefined;
  call.revisedMs = steadyMs;
  call.body = {
    ...body,
    rev: body.rev + 1,
    phase: isNewCall ? "raised" : "updated",
    raisedAtMs: isNewCall ? atMs : body.raisedAtMs,
    stateAtMs: Math.max(body.stateAtMs, atMs),
    ...(position === undefined ? {} : { position }),
  };
  return call.body;
}

/** Opened and closed in one write: it is remembered for its repeats, and is never open. */
function written(stream: Stream, body: AlarmBody, stamp: Stamp, message?: NewRecord): JournalWrite {
  const alarm: NewRecord = { kind: "alarm", ...stamp, ...stream, body };
  return {
    append: message === undefined ? [alarm] : [alarm, message],
    openAlarms: [{ device: stream.device, subject: subjectKey(stream.subject), body }],
    closedAlarms: [body.alarmId],
  };
}

function dropOldest(known: Map<string, unknown>): void {
  for (const key of known.keys()) {
    if (known.size <= MAX_CALLERS) return;
    known.delete(key);
  }
}
