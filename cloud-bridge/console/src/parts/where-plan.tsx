import type { Candidate, CaseView } from "../../../api/schema/desk.ts";
import { formatDistance } from "../text/format.ts";
import { locale, t } from "../text/locale.ts";

const METRES_PER_DEG = 111_320;
const HALF = 100;
const RINGS_M = [250, 500, 1000, 1500, 2000, 3000, 5000, 8000, 12_000, 20_000, 50_000];

interface Spot {
  readonly id: string;
  readonly name: string;
  readonly isEligible: boolean;
  readonly eastM: number;
  readonly northM: number;
}

export interface WherePlanProps {
  readonly view: CaseView;
  readonly candidates: readonly Candidate[];
  readonly chosenCrewId: string | undefined;
}

/** Who stands where about the case: north is up, lines are straight; a plan, not a map. */
export function WherePlan({ view, candidates, chosenCrewId }: WherePlanProps) {
  const centre = view.position;
  if (!centre) return null;
  const spots: Spot[] = candidates.flatMap(({ crewId, crewName, eligible, position }) =>
    position
      ? [
          {
            id: crewId,
            name: crewName,
            isEligible: eligible,
            eastM:
              (position.longitudeDeg - centre.longitudeDeg) *
              METRES_PER_DEG *
              Math.cos((centre.latitudeDeg * Math.PI) / 180),
            northM: (position.latitudeDeg - centre.latitudeDeg) * METRES_PER_DEG,
          },
        ]
      : [],
  );
  if (spots.length === 0) return null;
  const farthestM = Math.max(...spots.map(({ eastM, northM }) => Math.hypot(eastM, northM)));
  const reachM = RINGS_M.find((ringM) => ringM >= farthestM * 1.05) ?? farthestM;
  const scale = (HALF - 14) / reachM;
  const rings = [reachM, reachM / 2];
  return (
    <figure class="plan">
      <svg viewBox={`${-HALF * 1.2} ${-HALF} ${HALF * 2.4} ${HALF * 2}`} role="img" aria-label={t("plan.label")}>
        {rings.map((ringM) => (
          <g key={ringM}>
            <circle class="plan-ring" r={ringM * scale} />
            <text class="plan-scale" y={ringM * scale - 3} text-anchor="middle">
              {formatDistance(locale.value, ringM)}
            </text>
          </g>
        ))}
        <path class="plan-north" d={`M0 ${-HALF + 12}l-3 6h6z`} />
        {spots.map(({ id, name, isEligible, eastM, northM }) => {
          const x = eastM * scale;
          const y = -northM * scale;
          const isLeft = x > HALF * 0.3;
          return (
            <g
              key={id}
              class={`plan-crew${isEligible ? " is-eligible" : ""}${id === chosenCrewId ? " is-chosen" : ""}`}
            >
              {(isEligible || id === chosenCrewId) && <line x1="0" y1="0" x2={x} y2={y} />}
              {isEligible || id === chosenCrewId ? (
                <circle cx={x} cy={y} r="4.5" />
              ) : (
                <path d={`M${x - 3.5} ${y - 3.5}l7 7m0-7l-7 7`} />
              )}
              <text x={isLeft ? x - 8 : x + 8} y={y + 3} text-anchor={isLeft ? "end" : "start"}>
                {name}
              </text>
            </g>
          );
        })}
        <path class="plan-case" d="M0-7 7 6H-7z" />
      </svg>
    </figure>
  );
}
