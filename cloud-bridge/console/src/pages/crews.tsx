import { useEffect, useState } from "preact/hooks";
import type { CrewView, Unit } from "../../../api/schema/roster.ts";
import { call } from "../api/client.ts";
import { nowMs } from "../clock.ts";
import { AddCrew, AddUnit, PutOnDuty } from "../parts/crew-forms.tsx";
import { Icon } from "../parts/icon.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { AssignmentBadge } from "../parts/state-badge.tsx";
import { crews, loadDesk } from "../state/desk.ts";
import { may } from "../state/session.ts";
import { formatAge } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";

const REFRESH_MS = 15_000;

type Asked = { readonly what: "unit" | "crew" } | { readonly what: "duty"; readonly crew: CrewView };

export function CrewsPage() {
  const [units, setUnits] = useState<readonly Unit[]>([]);
  const [error, setError] = useState<unknown>();
  const [asked, setAsked] = useState<Asked>();
  const load = async (): Promise<void> => {
    try {
      const [, unitList] = await Promise.all([loadDesk(), call<{ items: Unit[] }>("GET", "/units?limit=500")]);
      setUnits(unitList.items);
      setError(undefined);
    } catch (cause) {
      setError(cause);
    }
  };
  useEffect(() => {
    void load();
    const timer = setInterval(() => void load(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const close = (): void => {
    setAsked(undefined);
    void load();
  };
  return (
    <div class="page">
      <header class="page-head">
        <h1>{t("nav.crews")}</h1>
        {may("setUpCrews") && (
          <span class="page-acts">
            {may("setUpUnits") && (
              <button type="button" class="button" onClick={() => setAsked({ what: "unit" })}>
                <Icon name="plus" size={14} /> {t("crews.add-unit")}
              </button>
            )}
            <button
              type="button"
              class="button is-main"
              onClick={() => setAsked({ what: "crew" })}
              disabled={units.length === 0}
            >
              <Icon name="plus" size={14} /> {t("crews.add-crew")}
            </button>
          </span>
        )}
      </header>
      <ProblemNote error={error} />
      {crews.value.length === 0 && <p class="empty">{t(units.length === 0 ? "crews.none-units" : "crews.none")}</p>}
      {crews.value.length > 0 && (
        <section class="panel" aria-label={t("nav.crews")}>
          <table class="table">
            <thead>
              <tr>
                <th scope="col">{t("crews.name")}</th>
                <th scope="col">{t("crews.unit")}</th>
                <th scope="col">{t("crews.duty")}</th>
                <th scope="col">{t("crews.position")}</th>
                <th scope="col">{t("crews.vehicle")}</th>
                <th scope="col">{t("crews.leg")}</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {crews.value.map((crew) => (
                <CrewRow key={crew.id} crew={crew} units={units} onDuty={() => setAsked({ what: "duty", crew })} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {asked?.what === "unit" && <AddUnit onClose={close} />}
      {asked?.what === "crew" && <AddCrew units={units} onClose={close} />}
      {asked?.what === "duty" && <PutOnDuty crew={asked.crew} onClose={close} />}
    </div>
  );
}

interface CrewRowProps {
  readonly crew: CrewView;
  readonly units: readonly Unit[];
  readonly onDuty: () => void;
}

function CrewRow({ crew, units, onDuty }: CrewRowProps) {
  return (
    <tr>
      <th scope="row">{crew.name}</th>
      <td>{units.find(({ id }) => id === crew.unitId)?.name ?? crew.unitId}</td>
      <td class={crew.onDuty ? "is-good" : "is-dim"}>
        <Icon name={crew.onDuty ? "connected" : "disconnected"} size={13} />{" "}
        {t(crew.onDuty ? "crews.on-duty" : "crews.off-duty")}
      </td>
      <td>
        {crew.position
          ? t("crews.fix", {
              time: formatAge(locale.value, nowMs.value - crew.position.atMs),
              source: t(`crews.source.${crew.position.source}`),
            })
          : t("presence.none")}
      </td>
      <td>{crew.vehicleNode}</td>
      <td>{crew.assignment && <AssignmentBadge state={crew.assignment.state} />}</td>
      <td class="table-acts">
        {may("setUpCrews") && (
          <button type="button" class="button is-small" onClick={onDuty}>
            {t("crews.put-on-duty")}
          </button>
        )}
      </td>
    </tr>
  );
}
