import type { Insertable, Selectable } from "kysely";
import { Compile } from "typebox/compile";
import { AlarmBody, AlarmPhase } from "../../protocol/alarm.ts";
import { Subject } from "../../protocol/ids.ts";
import type { AlarmsTable } from "../store/fleet-tables.ts";
import type { AlarmState } from "./reduce.ts";

const checkedBody = Compile(AlarmBody);
const checkedPhase = Compile(AlarmPhase);
const checkedSubject = Compile(Subject);

export type AlarmRow = Selectable<AlarmsTable>;

export function stateOf(row: AlarmRow): AlarmState {
  const subject = subjectOf(row);
  return {
    node: row.node,
    device: row.device,
    ...(subject === undefined ? {} : { subject }),
    body: bodyOf(row),
    raisedAtMs: row.raised_at_ms,
    stateAtMs: row.state_at_ms,
    run: row.run,
    seq: row.seq,
    phase: checkedPhase.Parse(row.phase),
    superseded: row.superseded === 1,
    late: row.late === 1,
  };
}

export function bodyOf(row: Pick<AlarmRow, "body">): AlarmBody {
  return checkedBody.Parse(JSON.parse(row.body));
}

export function subjectOf(row: Pick<AlarmRow, "subject_type" | "subject_id">): Subject | undefined {
  return row.subject_type === "" ? undefined : checkedSubject.Parse({ type: row.subject_type, id: row.subject_id });
}

/** Columns that change with each revision. */
export function columnsOf(state: AlarmState, nowMs: number) {
  return {
    rev: state.body.rev,
    phase: state.phase,
    body: JSON.stringify(state.body),
    run: state.run,
    seq: state.seq,
    updated_at_ms: nowMs,
    raised_at_ms: state.raisedAtMs,
    state_at_ms: state.stateAtMs,
    late: state.late ? 1 : 0,
    superseded: state.superseded ? 1 : 0,
  };
}

export function newRow(state: AlarmState, siteId: string | undefined, nowMs: number): Insertable<AlarmsTable> {
  return {
    ...columnsOf(state, nowMs),
    alarm_id: state.body.alarmId,
    node: state.node,
    device: state.device,
    subject_type: state.subject?.type ?? "",
    subject_id: state.subject?.id ?? "",
    rule: state.body.rule,
    family: state.body.family,
    nature: state.body.nature,
    site_id: siteId ?? null,
    received_at_ms: nowMs,
  };
}
