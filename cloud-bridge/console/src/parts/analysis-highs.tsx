import { useState } from "preact/hooks";
import type { HighsView } from "../../../api/schema/analysis.ts";
import { analysisText as a } from "../text/packs/analysis.ts";
import { type Asked, queryOf, useAnswer } from "./analysis-answer.ts";
import { kindName, orNone, placeName, whole } from "./analysis-words.ts";
import { Figures, Segments } from "./figures.tsx";
import { HeatGrid, type Measure } from "./heat-grid.tsx";
import { ProblemNote } from "./problem.tsx";

const MEASURES: readonly Measure[] = ["count", "rate"];
const SHOWN = 15;

/** 三高 */
export function Highs({ asked }: { readonly asked: Asked }) {
  const [measure, setMeasure] = useState<Measure>("count");
  const { value, error } = useAnswer<HighsView>(`/analysis/highs?${queryOf(asked)}`);
  return (
    <section class="panel" aria-label={a("highs.title")} data-analysis="highs">
      <h3>
        {a("highs.title")}
        <Segments
          label={a("highs.show")}
          options={MEASURES.map((one) => ({ value: one, text: a(`highs.show.${one}`) }))}
          value={measure}
          onChange={setMeasure}
        />
      </h3>
      <p class="footnote">{a("highs.lead")}</p>
      <ProblemNote error={error} />
      {value?.cases === 0 && <p class="quiet">{a("no-cases")}</p>}
      {value !== undefined && value.cases > 0 && <Found value={value} measure={measure} />}
    </section>
  );
}

function Found({ value, measure }: { readonly value: HighsView; readonly measure: Measure }) {
  return (
    <>
      <h4>{a("highs.times")}</h4>
      <HeatGrid times={value.times} timeZone={value.timeZone} measure={measure} />
      <div class="side-by-side">
        <div>
          <h4>{a("highs.places")}</h4>
          <Figures
            label={a("highs.places")}
            rows={value.places.slice(0, SHOWN)}
            keyOf={({ cell }) => cell}
            columns={[
              { name: a("highs.place"), show: (place) => placeName(place, value.cellDeg) },
              { name: a("cases"), show: ({ cases }) => whole(cases) },
              { name: a("before"), show: ({ casesBefore }) => whole(casesBefore) },
              { name: a("highs.by-machine"), show: ({ byMachine }) => whole(byMachine) },
              { name: a("highs.observed"), show: ({ observedHours }) => orNone(observedHours) },
              { name: a("highs.rate"), show: ({ per100Hours }) => orNone(per100Hours, 2) },
            ]}
          />
          {value.withoutPlace > 0 && (
            <p class="footnote">{a("highs.without-place", { n: whole(value.withoutPlace) })}</p>
          )}
          {value.unplacedHours > 0 && (
            <p class="footnote">{a("highs.unplaced-hours", { n: orNone(value.unplacedHours) })}</p>
          )}
        </div>
        <div>
          <h4>{a("highs.kinds")}</h4>
          <Figures
            label={a("highs.kinds")}
            rows={value.kinds.slice(0, SHOWN)}
            keyOf={({ kind }) => kind}
            columns={[
              { name: a("highs.kind"), show: ({ kind }) => kindName(kind) },
              { name: a("cases"), show: ({ cases }) => whole(cases) },
              { name: a("before"), show: ({ casesBefore }) => whole(casesBefore) },
            ]}
          />
        </div>
      </div>
    </>
  );
}
