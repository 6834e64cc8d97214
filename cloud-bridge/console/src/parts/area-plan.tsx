import { useEffect, useRef, useState } from "preact/hooks";
import "../styles/plan.css";
import type { GeoPoint } from "../../../api/schema/common.ts";
import type { CaseView } from "../../../api/schema/desk.ts";
import type { Site } from "../../../api/schema/fleet.ts";
import type { CrewView } from "../../../api/schema/roster.ts";
import { type Ground, type Look, lookAtAll, moved, pointAt, type Spot, spotOf, zoomed } from "../state/plan.ts";
import { planText as t } from "../text/packs/plan.ts";
import { Icon } from "./icon.tsx";
import { PlanThings } from "./plan-things.tsx";

export interface AreaPlanProps {
  readonly cases: readonly CaseView[];
  readonly crews: readonly CrewView[];
  readonly sites: readonly Site[];
  readonly grounds?: readonly Ground[];
  /** A click, or Enter for the middle, says a place. */
  readonly onPick?: (point: GeoPoint) => void;
  readonly picked?: GeoPoint | undefined;
  readonly selectedCaseId?: string | undefined;
}

const STEP_PX = 60;
const ZOOM = 1.4;
/** A press that moved less than this is a click. */
const CLICK_PX = 4;

/** Sites with their fences, crews and cases, to scale and north up: a plan, not a map. */
export function AreaPlan({ cases, crews, sites, grounds = [], onPick, picked, selectedCaseId }: AreaPlanProps) {
  const place = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 600, height: 400 });
  const [look, setLook] = useState<Look>();
  const press = useRef<{ readonly at: Spot; readonly look: Look } | undefined>(undefined);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const measure = (): void => setSize({ width: element.clientWidth, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  const points = [
    ...sites.flatMap(({ latitudeDeg, longitudeDeg }) =>
      latitudeDeg === undefined || longitudeDeg === undefined ? [] : [{ latitudeDeg, longitudeDeg }],
    ),
    ...cases.flatMap(({ position }) => (position ? [position] : [])),
    ...crews.flatMap(({ position }) => (position ? [position] : [])),
    ...(picked ? [picked] : []),
  ];
  const whole = lookAtAll(points, size);
  const shown = look ?? whole;
  if (!shown) {
    return (
      <div class="area-plan is-empty" ref={place}>
        <p class="quiet">{t("plan.nothing")}</p>
      </div>
    );
  }
  const spotIn = (event: MouseEvent): Spot => {
    const box = place.current?.getBoundingClientRect();
    return {
      x: event.clientX - (box?.left ?? 0) - size.width / 2,
      y: event.clientY - (box?.top ?? 0) - size.height / 2,
    };
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // Keys may come faster than the plan is drawn: each goes on from the one before.
    if (keyed(shown, event.key)) setLook((now) => keyed(now ?? shown, event.key));
    else if (event.key === "0") setLook(undefined);
    else if (event.key === "Enter" && onPick)
      onPick({ latitudeDeg: shown.latitudeDeg, longitudeDeg: shown.longitudeDeg });
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class={`area-plan${onPick ? " is-picking" : ""}`} ref={place}>
      <svg
        width={size.width}
        height={size.height}
        viewBox={`${-size.width / 2} ${-size.height / 2} ${size.width} ${size.height}`}
        role="application"
        aria-label={t(onPick ? "plan.pick" : "plan.label")}
        // Small letters: in SVG an attribute is taken as it is written, and `tabIndex` gives no focus.
        tabindex={0}
        data-plan
        onKeyDown={onKeyDown}
        onWheel={(event) => {
          event.preventDefault();
          setLook(zoomed(shown, event.deltaY > 0 ? ZOOM : 1 / ZOOM, spotIn(event)));
        }}
        onPointerDown={(event) => {
          press.current = { at: spotIn(event), look: shown };
        }}
        onPointerMove={(event) => {
          const from = press.current;
          if (!from || event.buttons === 0) return;
          const to = spotIn(event);
          const by = { x: from.at.x - to.x, y: from.at.y - to.y };
          if (Math.hypot(by.x, by.y) > CLICK_PX) setLook(moved(from.look, by));
        }}
        onClick={(event) => {
          const from = press.current;
          press.current = undefined;
          const at = spotIn(event);
          if (!onPick || (from && Math.hypot(from.at.x - at.x, from.at.y - at.y) > CLICK_PX)) return;
          onPick(pointAt(shown, at));
        }}
      >
        <PlanThings
          look={shown}
          size={size}
          cases={cases}
          crews={crews}
          sites={sites}
          grounds={grounds}
          isPicking={onPick !== undefined}
          selectedCaseId={selectedCaseId}
        />
        {onPick && <path class="plan-cross" d="M-9 0H9M0-9V9" />}
        {picked && <Picked spot={spotOf(shown, picked)} />}
      </svg>
      <div class="plan-buttons">
        <PlanButton label={t("plan.nearer")} icon="plus" onClick={() => setLook(zoomed(shown, 1 / ZOOM))} />
        <PlanButton label={t("plan.farther")} icon="minus" onClick={() => setLook(zoomed(shown, ZOOM))} />
        <PlanButton label={t("plan.whole")} icon="system" onClick={() => setLook(undefined)} />
      </div>
    </div>
  );
}

interface PlanButtonProps {
  readonly label: string;
  readonly icon: "plus" | "minus" | "system";
  readonly onClick: () => void;
}

function PlanButton({ label, icon, onClick }: PlanButtonProps) {
  return (
    <button type="button" class="chip is-square" title={label} aria-label={label} onClick={onClick}>
      <Icon name={icon} size={14} />
    </button>
  );
}

function Picked({ spot }: { readonly spot: Spot }) {
  return (
    <g class="plan-picked" transform={`translate(${spot.x} ${spot.y})`} data-picked>
      <circle r="9" />
      <path d="M0 0V-16" />
      <circle r="2.5" />
    </g>
  );
}

function keyed(look: Look, key: string): Look | undefined {
  switch (key) {
    case "ArrowLeft":
      return moved(look, { x: -STEP_PX, y: 0 });
    case "ArrowRight":
      return moved(look, { x: STEP_PX, y: 0 });
    case "ArrowUp":
      return moved(look, { x: 0, y: -STEP_PX });
    case "ArrowDown":
      return moved(look, { x: 0, y: STEP_PX });
    case "+":
    case "=":
      return zoomed(look, 1 / ZOOM);
    case "-":
      return zoomed(look, ZOOM);
    default:
      return undefined;
  }
}
