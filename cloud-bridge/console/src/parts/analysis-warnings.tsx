import { useState } from "preact/hooks";
import type { WarningsView } from "../../../api/schema/analysis.ts";
import { siteName } from "../state/desk.ts";
import { analysisText as a } from "../text/packs/analysis.ts";
import { type Asked, queryOf, useAnswer } from "./analysis-answer.ts";
import { kindName, orNone, whole } from "./analysis-words.ts";
import { Segments } from "./figures.tsx";
import { Icon, type IconName } from "./icon.tsx";
import { ProblemNote } from "./problem.tsx";

type By = "place" | "kind" | "site";
const BYS: readonly By[] = ["site", "place", "kind"];
type Colour = "red" | "orange" | "yellow";

/** Each colour has a shape of its own. */
const LOOK: Readonly<Record<Colour, IconName>> = { red: "overdue", orange: "open", yellow: "assigned" };
const SHOWN = 12;

/** 三色预警 */
export function Warnings({ asked }: { readonly asked: Asked }) {
  const [by, setBy] = useState<By>("site");
  const { value, error } = useAnswer<WarningsView>(`/analysis/warnings?${queryOf(asked, { by })}`);
  const coloured = value?.warnings.flatMap((one) => (one.colour === undefined ? [] : [{ ...one, colour: one.colour }]));
  return (
    <section class="panel" aria-label={a("warnings.title")} data-analysis="warnings">
      <h3>
        {a("warnings.title")}
        <Segments
          label={a("warnings.by")}
          options={BYS.map((one) => ({ value: one, text: a(`warnings.by.${one}`) }))}
          value={by}
          onChange={setBy}
        />
        {value && <span class="quiet">{a("warnings.lead", { n: value.baselinePeriods })}</span>}
      </h3>
      <ProblemNote error={error} />
      {coloured?.length === 0 && <p class="quiet">{a("warnings.none")}</p>}
      <ul class="warnings">
        {coloured?.slice(0, SHOWN).map(({ key, colour, cases, usual, spreads }) => (
          <li key={key} class={`warning is-${colour}`} data-colour={colour}>
            <span class="warning-colour">
              <Icon name={LOOK[colour]} size={18} /> {a(`colour.${colour}`)}
            </span>
            <strong>{nameOf(by, key)}</strong>
            <span>
              {a("cases")} {whole(cases)}
            </span>
            <small class="quiet">
              {a("warnings.usual", { n: orNone(usual) })} · {a("warnings.spreads", { n: orNone(spreads) })}
            </small>
          </li>
        ))}
      </ul>
    </section>
  );
}

function nameOf(by: By, key: string): string {
  if (by === "site") return siteName(key) ?? key;
  return by === "kind" ? kindName(key) : key;
}
