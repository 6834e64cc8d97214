import { cases, crews, isEnded, sites } from "../state/desk.ts";
import type { Ground } from "../state/plan.ts";
import { units } from "../state/registers.ts";
import { planText as p } from "../text/packs/plan.ts";
import { AreaPlan } from "./area-plan.tsx";

/** Where everything is, while no case is looked at. */
export function DeskPlan() {
  return (
    <div class="plan-page">
      <header>
        <h2>{p("plan.title")}</h2>
        <p class="plan-legend">
          <span>
            {"▲ "}
            {p("plan.legend.case")}
          </span>
          <span>
            {"○ "}
            {p("plan.legend.crew")}
          </span>
          <span>
            {"□ "}
            {p("plan.legend.site")}
          </span>
          <span>{p("plan.lead")}</span>
        </p>
      </header>
      <AreaPlan
        cases={[...cases.value.values()].filter((view) => !isEnded(view))}
        crews={crews.value}
        sites={[...sites.value.values()]}
        grounds={grounds()}
      />
    </div>
  );
}

function grounds(): Ground[] {
  return units.value.flatMap(({ id, name, areas = [] }) => {
    const outlines = areas.flatMap((area) => (area.kind === "polygon" ? [area.outline] : []));
    return outlines.length === 0 ? [] : [{ id, name, outlines }];
  });
}
