import { useEffect, useState } from "preact/hooks";
import "../styles/desk-forms.css";
import "../styles/crews.css";
import type { Crew, CrewView, DutyView, FilingView, Person, Unit } from "../../../api/schema/roster.ts";
import { readForEdit } from "../api/client.ts";
import { CrewForm, type Edited, PutOnDuty, UnitForm } from "../parts/crew-forms.tsx";
import { type CrewAsk, CrewTable } from "../parts/crew-table.tsx";
import { Segments } from "../parts/figures.tsx";
import { EndFiling, FilingForm } from "../parts/filing-form.tsx";
import { Icon } from "../parts/icon.tsx";
import { PeopleTable, PersonForm } from "../parts/people-table.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { PlanDuty, RemoveDuty, RosterDay, ShiftForm, today } from "../parts/roster-day.tsx";
import { UnitTree } from "../parts/unit-tree.tsx";
import { crews, loadCrews } from "../state/desk.ts";
import { loadRegisters, units } from "../state/registers.ts";
import { loadRoster } from "../state/roster.ts";
import { may } from "../state/session.ts";
import { t } from "../text/locale.ts";
import { crewText as c } from "../text/packs/crews.ts";

const REFRESH_MS = 15_000;
const TABS = ["crews", "roster", "people", "units"] as const;
type Tab = (typeof TABS)[number];

type Asked =
  | { readonly what: "unit"; readonly edited?: Edited<Unit>; readonly parentId?: string }
  | { readonly what: "crew"; readonly edited?: Edited<Crew> }
  | { readonly what: "person"; readonly edited?: Edited<Person> }
  | { readonly what: "duty" | "file"; readonly crew: CrewView }
  | { readonly what: "end"; readonly crew: CrewView; readonly filing: FilingView }
  | { readonly what: "plan" | "shift" }
  | { readonly what: "remove"; readonly duty: DutyView };

/** Crews, roster, people and units: who can be sent, and who answers for what. */
export function CrewsPage() {
  const [tab, setTab] = useState<Tab>("crews");
  const [day, setDay] = useState(today);
  const [error, setError] = useState<unknown>();
  const [asked, setAsked] = useState<Asked>();
  const load = async (): Promise<void> => {
    try {
      const noon = new Date(`${day}T12:00`).getTime();
      await Promise.all([loadCrews(), loadRegisters(), loadRoster(Number.isFinite(noon) ? noon : Date.now())]);
      setError(undefined);
    } catch (cause) {
      setError(cause);
    }
  };
  useEffect(() => {
    void load();
    const timer = setInterval(() => void load(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [day]);
  const close = (): void => {
    setAsked(undefined);
    void load();
  };
  /** What is changed is read anew first, so that the change is made from what stands. */
  const edit = (path: string, ask: (edited: Edited<never>) => Asked): void => {
    readForEdit<never>(path).then((edited) => setAsked(ask(edited)), setError);
  };
  const onAsk = (what: CrewAsk, crew: CrewView): void => {
    const path = `/crews/${encodeURIComponent(crew.id)}`;
    if (what === "edit") edit(path, (edited) => ({ what: "crew", edited }));
    else if (what !== "end") setAsked({ what, crew });
    else if (crew.filing) setAsked({ what: "end", crew, filing: crew.filing });
  };
  return (
    <div class="page">
      <header class="page-head">
        <h1>{t("nav.crews")}</h1>
        <Segments
          label={c("tabs")}
          options={TABS.map((one) => ({ value: one, text: c(`tab.${one}`) }))}
          value={tab}
          onChange={setTab}
        />
        <PageActs tab={tab} onAsk={(what) => setAsked({ what })} />
      </header>
      <ProblemNote error={error} />
      {tab === "crews" && crews.value.length === 0 && (
        <p class="empty">{c(units.value.length === 0 ? "none-units" : "none")}</p>
      )}
      {tab === "crews" && crews.value.length > 0 && (
        <section class="panel" aria-label={t("nav.crews")}>
          <CrewTable onAsk={onAsk} />
        </section>
      )}
      {tab === "roster" && (
        <RosterDay
          day={day}
          onDay={setDay}
          onAsk={(what) => setAsked({ what })}
          onRemove={(duty) => setAsked({ what: "remove", duty })}
        />
      )}
      {tab === "people" && (
        <section class="panel" aria-label={c("tab.people")}>
          <PeopleTable
            onEdit={({ id }) => edit(`/people/${encodeURIComponent(id)}`, (edited) => ({ what: "person", edited }))}
          />
        </section>
      )}
      {tab === "units" && (
        <section class="panel" aria-label={c("tab.units")}>
          <UnitTree
            onEdit={({ id }) => edit(`/units/${encodeURIComponent(id)}`, (edited) => ({ what: "unit", edited }))}
            onAddBelow={({ id }) => setAsked({ what: "unit", parentId: id })}
          />
        </section>
      )}
      {asked !== undefined && <Form asked={asked} day={day} onClose={close} />}
    </div>
  );
}

function PageActs({ tab, onAsk }: { readonly tab: Tab; readonly onAsk: (what: "unit" | "crew" | "person") => void }) {
  if (!may("setUpCrews")) return null;
  const noUnit = units.value.length === 0;
  return (
    <span class="page-acts">
      {(tab === "units" || noUnit) && may("setUpUnits") && (
        <button type="button" class="button is-main" onClick={() => onAsk("unit")}>
          <Icon name="plus" size={14} /> {c("add-unit")}
        </button>
      )}
      {tab === "crews" && (
        <button type="button" class="button is-main" onClick={() => onAsk("crew")} disabled={noUnit}>
          <Icon name="plus" size={14} /> {c("add-crew")}
        </button>
      )}
      {tab === "people" && (
        <button type="button" class="button is-main" onClick={() => onAsk("person")} disabled={noUnit} data-add-person>
          <Icon name="plus" size={14} /> {c("people.add")}
        </button>
      )}
    </span>
  );
}

interface FormProps {
  readonly asked: Asked;
  readonly day: string;
  readonly onClose: () => void;
}

function Form({ asked, day, onClose }: FormProps) {
  switch (asked.what) {
    case "unit":
      return <UnitForm edited={asked.edited} parentId={asked.parentId} onClose={onClose} />;
    case "crew":
      return <CrewForm edited={asked.edited} onClose={onClose} />;
    case "person":
      return <PersonForm edited={asked.edited} onClose={onClose} />;
    case "duty":
      return <PutOnDuty crew={asked.crew} onClose={onClose} />;
    case "file":
      return <FilingForm crew={asked.crew} onClose={onClose} />;
    case "end":
      return <EndFiling crew={asked.crew} filing={asked.filing} onClose={onClose} />;
    case "plan":
      return <PlanDuty day={day} onClose={onClose} />;
    case "shift":
      return <ShiftForm onClose={onClose} />;
    case "remove":
      return <RemoveDuty duty={asked.duty} onClose={onClose} />;
  }
}
