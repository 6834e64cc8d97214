import type { Unit } from "../../../api/schema/roster.ts";
import { crews } from "../state/desk.ts";
import { units } from "../state/registers.ts";
import { people } from "../state/roster.ts";
import { may } from "../state/session.ts";
import { t } from "../text/locale.ts";
import { crewText as c } from "../text/packs/crews.ts";

export interface UnitTreeProps {
  readonly onEdit: (unit: Unit) => void;
  readonly onAddBelow: (unit: Unit) => void;
}

/** City, district, street, community, and departments below any of them. */
export function UnitTree(props: UnitTreeProps) {
  const ids = new Set(units.value.map(({ id }) => id));
  const roots = units.value.filter(({ parentId }) => parentId === undefined || !ids.has(parentId));
  return <Branch units={roots} {...props} />;
}

function Branch({ units: list, ...props }: UnitTreeProps & { readonly units: readonly Unit[] }) {
  return (
    <ul class="tree">
      {list.map((unit) => {
        const below = units.value.filter(({ parentId }) => parentId === unit.id);
        return (
          <li key={unit.id} data-unit={unit.id}>
            <div class="tree-row">
              <strong>{unit.name}</strong>
              <span class="tag">{t(`unit-level.${unit.level}`)}</span>
              <span class="quiet">{factsOf(unit)}</span>
              {may("setUpUnits") && (
                <span class="tree-acts">
                  <button type="button" class="button is-small" onClick={() => props.onAddBelow(unit)}>
                    {c("add-below")}
                  </button>
                  <button type="button" class="button is-small" onClick={() => props.onEdit(unit)}>
                    {c("edit")}
                  </button>
                </span>
              )}
            </div>
            {below.length > 0 && <Branch units={below} {...props} />}
          </li>
        );
      })}
    </ul>
  );
}

function factsOf({ id, phone }: Unit): string {
  const own = crews.value.filter(({ unitId }) => unitId === id).length;
  const staff = people.value.filter(({ unitId }) => unitId === id).length;
  return [
    phone,
    own === 0 ? undefined : c("unit-crews", { n: own }),
    staff === 0 ? undefined : c("unit-people", { n: staff }),
  ]
    .filter((one) => one !== undefined)
    .join(" · ");
}
