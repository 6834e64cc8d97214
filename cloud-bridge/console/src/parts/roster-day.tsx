import { useState } from "preact/hooks";
import type { Duty, DutyView, Shift } from "../../../api/schema/roster.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { nowMs } from "../clock.ts";
import { crews } from "../state/desk.ts";
import { units } from "../state/registers.ts";
import { duties, shifts } from "../state/roster.ts";
import { may } from "../state/session.ts";
import { formatDayTime } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { crewText as c } from "../text/packs/crews.ts";
import { IdField, save } from "./crew-forms.tsx";
import { Dialog } from "./dialog.tsx";
import { Choice, SelectField, TextField, TimeField, TwoFields } from "./fields.tsx";
import { localDate, localInput, localMs } from "./local-time.ts";

const HOUR_MS = 3_600_000;
const HOURS = 24;
const WIDTH = 960;
const NAME = 150;
const ROW = 26;
const TOP = 20;
const X = (WIDTH - NAME) / HOURS;

export interface RosterDayProps {
  readonly day: string;
  readonly onDay: (day: string) => void;
  readonly onAsk: (what: "plan" | "shift") => void;
  readonly onRemove: (duty: DutyView) => void;
}

/** Who is on duty when, of one day by the clock of this place. */
export function RosterDay({ day, onDay, onAsk, onRemove }: RosterDayProps) {
  const startMs = localMs(`${day}T00:00`);
  const endMs = startMs + HOURS * HOUR_MS;
  const here = duties.value.filter(({ fromMs, toMs }) => fromMs < endMs && toMs > startMs);
  const named = crews.value.filter(({ id }) => here.some(({ crewId }) => crewId === id));
  return (
    <>
      <section class="panel" aria-label={c("roster.title", { day })} data-roster>
        <div class="roster-head">
          <TimeField label={c("roster.day")} type="date" value={day} onInput={onDay} />
          {may("setUpCrews") && (
            <button type="button" class="button is-main" onClick={() => onAsk("plan")} data-plan-duty>
              {c("roster.plan")}
            </button>
          )}
        </div>
        {here.length === 0 && <p class="quiet">{c("roster.none")}</p>}
        {here.length > 0 && (
          <div class="table-scroll">
            <svg
              class="roster"
              viewBox={`0 0 ${WIDTH} ${TOP + named.length * ROW}`}
              role="img"
              aria-label={c("roster.title", { day })}
            >
              {Array.from({ length: HOURS / 3 + 1 }, (_, i) => i * 3).map((hour) => (
                <g key={hour} transform={`translate(${NAME + hour * X} 0)`}>
                  <path class="roster-hour" d={`M0 ${TOP - 4}V${TOP + named.length * ROW}`} />
                  <text class="heat-name" y="11" text-anchor={hour === HOURS ? "end" : "middle"}>
                    {`${hour}:00`}
                  </text>
                </g>
              ))}
              {named.map((crew, row) => (
                <g key={crew.id} transform={`translate(0 ${TOP + row * ROW})`}>
                  <text class="roster-name" x="0" y={ROW / 2 + 4}>
                    {crew.name}
                  </text>
                  {here
                    .filter(({ crewId }) => crewId === crew.id)
                    .map((duty) => (
                      <Bar key={duty.id} duty={duty} startMs={startMs} />
                    ))}
                </g>
              ))}
              <Now startMs={startMs} height={TOP + named.length * ROW} />
            </svg>
          </div>
        )}
        {here.length > 0 && <DutyList duties={here} onRemove={onRemove} />}
      </section>
      <section class="panel" aria-label={c("shifts")}>
        <h3>
          {c("shifts")}
          {may("setUpCrews") && (
            <button type="button" class="button is-small" onClick={() => onAsk("shift")} data-add-shift>
              {c("shifts.add")}
            </button>
          )}
        </h3>
        {shifts.value.length === 0 && <p class="quiet">{c("shifts.none")}</p>}
        <ul class="shift-list">
          {shifts.value.map(({ id, name, starts, ends }) => (
            <li key={id}>
              <strong>{name}</strong> {starts} – {ends}
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

function Bar({ duty, startMs }: { readonly duty: DutyView; readonly startMs: number }) {
  const from = Math.max(0, (duty.fromMs - startMs) / HOUR_MS);
  const to = Math.min(HOURS, (duty.toMs - startMs) / HOUR_MS);
  return (
    <rect class="roster-bar" x={NAME + from * X} y="5" width={Math.max(2, (to - from) * X)} height={ROW - 10} rx="3">
      <title>{spanWords(duty)}</title>
    </rect>
  );
}

function Now({ startMs, height }: { readonly startMs: number; readonly height: number }) {
  const hour = (nowMs.value - startMs) / HOUR_MS;
  if (hour < 0 || hour > HOURS) return null;
  return (
    <path class="roster-now" d={`M${NAME + hour * X} ${TOP - 6}V${height}`}>
      <title>{c("roster.now")}</title>
    </path>
  );
}

const spanWords = ({ fromMs, toMs }: DutyView): string =>
  `${formatDayTime(locale.value, fromMs, undefined)} – ${formatDayTime(locale.value, toMs, undefined)}`;

interface DutyListProps {
  readonly duties: readonly DutyView[];
  readonly onRemove: (duty: DutyView) => void;
}

function DutyList({ duties: list, onRemove }: DutyListProps) {
  return (
    <ul class="shift-list">
      {list.map((duty) => (
        <li key={duty.id}>
          <strong>{crews.value.find(({ id }) => id === duty.crewId)?.name ?? duty.crewId}</strong> {spanWords(duty)}
          {duty.shiftId !== undefined && (
            <span class="tag">{shifts.value.find(({ id }) => id === duty.shiftId)?.name ?? duty.shiftId}</span>
          )}
          {may("setUpCrews") && (
            <button type="button" class="button is-small" onClick={() => onRemove(duty)}>
              {c("roster.remove")}
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

export function PlanDuty({ day, onClose }: { readonly day: string; readonly onClose: () => void }) {
  const [crewId, setCrewId] = useState(crews.value[0]?.id ?? "");
  const [how, setHow] = useState(shifts.value.length === 0 ? "time" : "shift");
  const [shiftId, setShiftId] = useState(shifts.value[0]?.id ?? "");
  const [from, setFrom] = useState(() => localInput(localMs(`${day}T08:00`)));
  const [to, setTo] = useState(() => localInput(localMs(`${day}T16:00`)));
  const [key] = useState(newIdempotencyKey);
  const plan = async (): Promise<void> => {
    const body: Duty =
      how === "shift" ? { crewId, shiftId, date: day } : { crewId, fromMs: localMs(from), toMs: localMs(to) };
    await call("POST", "/rosters", { body, idempotencyKey: key });
  };
  return (
    <Dialog title={c("roster.plan")} doIt={c("roster.plan")} onDo={plan} onClose={onClose}>
      <SelectField
        label={c("roster.crew")}
        value={crewId}
        options={crews.value.map((crew) => ({ value: crew.id, text: crew.name }))}
        onChange={setCrewId}
      />
      {shifts.value.length > 0 && (
        <Choice
          label={c("roster.how")}
          name="how"
          value={how}
          options={[
            { value: "shift", text: c("roster.by-shift") },
            { value: "time", text: c("roster.by-time") },
          ]}
          onChange={setHow}
        />
      )}
      {how === "shift" ? (
        <SelectField
          label={c("roster.shift")}
          value={shiftId}
          options={shifts.value.map(({ id, name, starts, ends }) => ({
            value: id,
            text: `${name} ${starts} – ${ends}`,
          }))}
          onChange={setShiftId}
          hint={day}
        />
      ) : (
        <TwoFields>
          <TimeField label={c("roster.from")} type="datetime-local" value={from} onInput={setFrom} />
          <TimeField label={c("roster.to")} type="datetime-local" value={to} onInput={setTo} />
        </TwoFields>
      )}
    </Dialog>
  );
}

export function ShiftForm({ onClose }: { readonly onClose: () => void }) {
  const [id, setId] = useState("");
  const [name, setName] = useState("");
  const [unitId, setUnitId] = useState(units.value[0]?.id ?? "");
  const [starts, setStarts] = useState("22:00");
  const [ends, setEnds] = useState("06:00");
  const [key] = useState(newIdempotencyKey);
  const add = async (): Promise<void> => {
    const body: Shift = { id, unitId, name, starts, ends };
    await save("/shifts", body, undefined, key);
  };
  return (
    <Dialog title={c("shifts.add")} doIt={c("add")} onDo={add} onClose={onClose}>
      <TextField label={c("name")} value={name} onInput={setName} maxLength={100} isFirst />
      <IdField value={id} onInput={setId} />
      <SelectField
        label={c("unit")}
        value={unitId}
        options={units.value.map((unit) => ({ value: unit.id, text: unit.name }))}
        onChange={setUnitId}
      />
      <TwoFields>
        <TimeField label={c("shifts.starts")} type="time" value={starts} onInput={setStarts} />
        <TimeField label={c("shifts.ends")} type="time" value={ends} onInput={setEnds} hint={c("shifts.hint")} />
      </TwoFields>
    </Dialog>
  );
}

export function RemoveDuty({ duty, onClose }: { readonly duty: DutyView; readonly onClose: () => void }) {
  return (
    <Dialog
      title={c("roster.remove-title")}
      doIt={c("roster.remove")}
      onDo={async () => {
        await call("DELETE", `/rosters/${encodeURIComponent(duty.id)}`);
      }}
      onClose={onClose}
    >
      <p>{spanWords(duty)}</p>
    </Dialog>
  );
}

export const today = (): string => localDate(Date.now());
