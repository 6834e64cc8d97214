import type { MovesView } from "../../../api/schema/analysis.ts";
import { siteName } from "../state/desk.ts";
import { formatDistance } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { analysisText as a } from "../text/packs/analysis.ts";
import { type Asked, queryOf, useAnswer } from "./analysis-answer.ts";
import { NONE, orNone, placeName, whole } from "./analysis-words.ts";
import { Figures } from "./figures.tsx";
import { ProblemNote } from "./problem.tsx";

const SHOWN = 10;
/** As the bridge has it where it was not asked for another. */
const CELL_DEG = 0.005;

export function Moves({ asked }: { readonly asked: Asked }) {
  const { fromMs, toMs, unitId } = asked;
  const query = queryOf({ fromMs, toMs, unitId, family: "", foundBy: "" });
  const { value, error } = useAnswer<MovesView>(`/analysis/meters?${query}`);
  return (
    <section class="panel" aria-label={a("meters.title")} data-analysis="meters">
      <h3>{a("meters.title")}</h3>
      <ProblemNote error={error} />
      {value && (
        <div class="side-by-side">
          <div>
            <h4>{a("meters.to")}</h4>
            {value.to.length === 0 && <p class="quiet">{a("meters.none-to")}</p>}
            {value.to.length > 0 && (
              <Figures
                label={a("meters.to")}
                rows={value.to.slice(0, SHOWN)}
                keyOf={({ cell }) => cell}
                columns={[
                  { name: a("highs.place"), show: (place) => placeName(place, CELL_DEG) },
                  { name: a("cases"), show: ({ cases }) => whole(cases) },
                  {
                    name: a("meters.nearest"),
                    show: ({ nearestMeterM }) =>
                      nearestMeterM === null ? a("meters.none-near") : formatDistance(locale.value, nearestMeterM),
                  },
                ]}
              />
            )}
          </div>
          <div>
            <h4>{a("meters.from")}</h4>
            {value.from.length === 0 && <p class="quiet">{a("meters.none-from")}</p>}
            {value.from.length > 0 && (
              <Figures
                label={a("meters.from")}
                rows={value.from.slice(0, SHOWN)}
                keyOf={({ node, device }) => `${node} ${device}`}
                columns={[
                  { name: a("meters.meter"), show: ({ node, device }) => `${node} · ${device}` },
                  { name: a("meters.site"), show: ({ siteId }) => siteName(siteId) ?? NONE },
                  { name: a("highs.observed"), show: ({ observedHours }) => orNone(observedHours) },
                  { name: a("cases"), show: ({ cases }) => whole(cases) },
                  { name: a("highs.rate"), show: ({ per100Hours }) => orNone(per100Hours, 2) },
                ]}
              />
            )}
          </div>
        </div>
      )}
    </section>
  );
}
