import type { CrewView, FilingView } from "../../../api/schema/roster.ts";
import { nowMs } from "../clock.ts";
import { crews } from "../state/desk.ts";
import { unitName } from "../state/registers.ts";
import { dutyAt } from "../state/roster.ts";
import { may } from "../state/session.ts";
import { formatAge, formatDayTime } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";
import { crewText as c } from "../text/packs/crews.ts";
import { Icon } from "./icon.tsx";
import { AssignmentBadge } from "./state-badge.tsx";

export type CrewAsk = "duty" | "file" | "end" | "edit";

export interface CrewTableProps {
  readonly onAsk: (what: CrewAsk, crew: CrewView) => void;
}

/** Who is on duty, who sits in which car with which radio, where, on which task, and what supervision asks about. */
export function CrewTable({ onAsk }: CrewTableProps) {
  return (
    <div class="table-scroll">
      <table class="table" data-crews>
        <thead>
          <tr>
            <th scope="col">{c("name")}</th>
            <th scope="col">{c("duty")}</th>
            <th scope="col">{c("filing")}</th>
            <th scope="col">{c("position")}</th>
            <th scope="col">{c("leg")}</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {crews.value.map((crew) => (
            <CrewRow key={crew.id} crew={crew} onAsk={onAsk} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function CrewRow({ crew, onAsk }: CrewTableProps & { readonly crew: CrewView }) {
  const duty = dutyAt(crew.id, nowMs.value);
  const { filing, flags = [] } = crew;
  return (
    <tr data-crew={crew.id}>
      <th scope="row">
        {crew.name}
        <small class="below">{unitName(crew.unitId)}</small>
        {crew.unavailable !== undefined && <small class="below bad">{crew.unavailable}</small>}
      </th>
      <td class={crew.onDuty ? "is-good" : "is-dim"}>
        <Icon name={crew.onDuty ? "connected" : "disconnected"} size={13} /> {c(crew.onDuty ? "on-duty" : "off-duty")}
        {duty !== undefined && (
          <small class="below">{c("duty.until", { time: formatDayTime(locale.value, duty.toMs, undefined) })}</small>
        )}
      </td>
      <td>
        {filing === undefined ? <span class="quiet">{c("filing.none")}</span> : <Filed filing={filing} />}
        {flags.map((flag) => (
          <span key={flag} class="tag is-warning" data-flag={flag}>
            <Icon name={flag === "no-fix" ? "silent" : "place"} size={11} /> {c(`flag.${flag}`)}
          </span>
        ))}
      </td>
      <td>
        {crew.position
          ? c("fix", {
              time: formatAge(locale.value, nowMs.value - crew.position.atMs),
              source: c(`source.${crew.position.source}`),
            })
          : t("presence.none")}
      </td>
      <td>{crew.assignment && <AssignmentBadge state={crew.assignment.state} />}</td>
      <td class="table-acts">
        {may("setUpCrews") && (
          <>
            <button
              type="button"
              class={`button is-small${filing === undefined && crew.onDuty ? " is-main" : ""}`}
              onClick={() => onAsk("file", crew)}
              data-file={crew.id}
            >
              {c("filing.file")}
            </button>
            {filing !== undefined && (
              <button type="button" class="button is-small" onClick={() => onAsk("end", crew)}>
                {c("filing.end")}
              </button>
            )}
            <button type="button" class="button is-small" onClick={() => onAsk("duty", crew)}>
              {c("put-on-duty")}
            </button>
            <button type="button" class="button is-small" onClick={() => onAsk("edit", crew)}>
              {c("edit")}
            </button>
          </>
        )}
      </td>
    </tr>
  );
}

function Filed({ filing }: { readonly filing: FilingView }) {
  return (
    <>
      {filing.people.map(({ personId, name, radioIssi, authority }) => (
        <span key={personId} class="filed" title={authority.join(" ")}>
          <Icon name="person" size={11} /> {name}
          {radioIssi !== undefined && (
            <>
              {" "}
              <Icon name="radio" size={11} /> {radioIssi}
            </>
          )}
        </span>
      ))}
      <small class="below">
        {[filing.vehicleNode, c("filing.until", { time: formatDayTime(locale.value, filing.toMs, undefined) })]
          .filter((one) => one !== undefined)
          .join(" · ")}
      </small>
    </>
  );
}
