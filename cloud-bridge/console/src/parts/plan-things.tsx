import type { CaseView } from "../../../api/schema/desk.ts";
import type { Site } from "../../../api/schema/fleet.ts";
import type { CrewView } from "../../../api/schema/roster.ts";
import { navigate } from "../router.ts";
import { type Ground, type Look, roundLengthM, type Spot, spotOf } from "../state/plan.ts";
import { formatDistance } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { caseName } from "./case-head.tsx";

export interface PlanThingsProps {
  readonly look: Look;
  readonly size: { readonly width: number; readonly height: number };
  readonly cases: readonly CaseView[];
  readonly crews: readonly CrewView[];
  readonly sites: readonly Site[];
  readonly grounds: readonly Ground[];
  readonly isPicking: boolean;
  readonly selectedCaseId: string | undefined;
}

const DEFAULT_FENCE_M = 150;
const LEAST_FENCE_PX = 4;
/** Beyond so many names nothing could be read. */
const MOST_NAMES = 40;
const SCALE_PX = 130;

export function PlanThings(props: PlanThingsProps) {
  const { look, size, cases, crews, sites, grounds, isPicking, selectedCaseId } = props;
  const isIn = ({ x, y }: Spot): boolean => Math.abs(x) < size.width / 2 + 40 && Math.abs(y) < size.height / 2 + 40;
  const siteSpots = sites.flatMap((site) => {
    if (site.latitudeDeg === undefined || site.longitudeDeg === undefined) return [];
    const spot = spotOf(look, { latitudeDeg: site.latitudeDeg, longitudeDeg: site.longitudeDeg });
    return isIn(spot) ? [{ site, spot }] : [];
  });
  const crewSpots = crews.flatMap((crew) => {
    const spot = crew.position && spotOf(look, crew.position);
    return spot && isIn(spot) ? [{ crew, spot }] : [];
  });
  const caseSpots = cases.flatMap((view) => {
    const spot = view.position && spotOf(look, view.position);
    return spot && isIn(spot) ? [{ view, spot }] : [];
  });
  return (
    <>
      {grounds.map((ground) => (
        <GroundShape key={ground.id} ground={ground} look={look} />
      ))}
      {siteSpots.map(({ site, spot }) => {
        const fencePx = (site.radiusM ?? DEFAULT_FENCE_M) / look.metresPerPixel;
        return (
          <g key={site.id} class="plan-site" transform={`translate(${spot.x} ${spot.y})`}>
            {fencePx > LEAST_FENCE_PX && <circle class="plan-fence" r={fencePx} />}
            <rect x="-3.5" y="-3.5" width="7" height="7" />
            {siteSpots.length <= MOST_NAMES && (
              <text x="8" y="4">
                {site.name}
              </text>
            )}
            <title>{site.name}</title>
          </g>
        );
      })}
      {crewSpots.map(({ crew, spot }) => (
        <g
          key={crew.id}
          class={`plan-unit${crew.onDuty ? " is-on-duty" : ""}`}
          transform={`translate(${spot.x} ${spot.y})`}
        >
          <circle r="6" />
          {crewSpots.length <= MOST_NAMES && (
            <text y="-10" text-anchor="middle">
              {crew.name}
            </text>
          )}
          <title>{crew.name}</title>
        </g>
      ))}
      {caseSpots.map(({ view, spot }) => (
        // The case is in the list as well, where the keyboard reaches it.
        // biome-ignore lint/a11y/noStaticElementInteractions: a short cut for the pointer only.
        <g
          key={view.id}
          class={`plan-event tone-${view.state}${view.id === selectedCaseId ? " is-selected" : ""}`}
          transform={`translate(${spot.x} ${spot.y})`}
          onClick={(event) => {
            if (isPicking) return;
            event.stopPropagation();
            navigate(`/desk/${encodeURIComponent(view.id)}`);
          }}
        >
          <path d="M0-9 8 5H-8z" />
          {caseSpots.length <= MOST_NAMES && (
            <text y="17" text-anchor="middle">
              {`#${view.number}`}
            </text>
          )}
          <title>{`#${view.number} ${caseName(view)}`}</title>
        </g>
      ))}
      <Scale look={look} size={size} />
    </>
  );
}

function GroundShape({ ground, look }: { readonly ground: Ground; readonly look: Look }) {
  const d = ground.outlines
    .map(
      (outline) =>
        `M${outline
          .map((corner) => spotOf(look, corner))
          .map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`)
          .join("L")}Z`,
    )
    .join("");
  return (
    <path class="plan-ground" d={d}>
      <title>{ground.name}</title>
    </path>
  );
}

function Scale({ look, size }: Pick<PlanThingsProps, "look" | "size">) {
  const lengthM = roundLengthM(look.metresPerPixel, SCALE_PX);
  const px = lengthM / look.metresPerPixel;
  return (
    <g class="plan-bar" transform={`translate(${-size.width / 2 + 14} ${size.height / 2 - 14})`}>
      <path d={`M0-5V0H${px.toFixed(1)}V-5`} />
      <text x={px / 2} y="-7" text-anchor="middle">
        {formatDistance(locale.value, lengthM)}
      </text>
      <path class="plan-north" d={`M${size.width - 28} ${-size.height + 24}l-4 12h8z`} />
    </g>
  );
}
