import type { OutcomesView } from "../../../api/schema/analysis.ts";
import { catalogue, namedIn } from "../state/registers.ts";
import { analysisText as a } from "../text/packs/analysis.ts";
import { type Asked, queryOf, useAnswer } from "./analysis-answer.ts";
import { foundByName, orNone, whole } from "./analysis-words.ts";
import { Figures } from "./figures.tsx";
import { ProblemNote } from "./problem.tsx";

export function Outcomes({ asked }: { readonly asked: Asked }) {
  const { value, error } = useAnswer<OutcomesView>(`/analysis/outcomes?${queryOf(asked)}`);
  return (
    <section class="panel" aria-label={a("outcomes.title")} data-analysis="outcomes">
      <h3>{a("outcomes.title")}</h3>
      <ProblemNote error={error} />
      {value?.outcomes.length === 0 && <p class="quiet">{a("no-cases")}</p>}
      {value !== undefined && value.outcomes.length > 0 && (
        <Figures
          label={a("outcomes.title")}
          rows={value.outcomes}
          keyOf={({ foundBy }) => foundBy}
          columns={[
            { name: a("found-by"), show: ({ foundBy }) => foundByName(foundBy) },
            { name: a("cases"), show: ({ cases }) => whole(cases) },
            { name: a("outcomes.open"), show: ({ open }) => whole(open) },
            { name: a("verified"), show: ({ verified }) => whole(verified) },
            { name: a("outcomes.unverified"), show: ({ unverified }) => whole(unverified) },
            { name: a("outcomes.false"), show: ({ falseAlarms }) => whole(falseAlarms) },
            { name: a("outcomes.self"), show: ({ selfCleared }) => whole(selfCleared) },
            { name: a("outcomes.penalties"), show: ({ penalties }) => whole(penalties) },
            { name: a("outcomes.fines"), show: ({ finesCny }) => orNone(finesCny, 2) },
            {
              name: a("outcomes.grounds"),
              show: ({ grounds }) =>
                grounds.map(({ ground, cases }) => `${namedIn(catalogue.value?.grounds, ground)} ${cases}`).join(" · "),
            },
          ]}
        />
      )}
    </section>
  );
}
