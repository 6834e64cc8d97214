import { useState } from "preact/hooks";
import "../styles/nodes.css";
import type { CameraView } from "../../../api/schema/cameras.ts";
import { nowMs } from "../clock.ts";
import { pathOf } from "../state/cameras.ts";
import { formatAge, formatNumber } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { liveVideoText as live } from "../text/packs/live-video.ts";
import { roundText as f } from "../text/packs/rounds.ts";
import { later } from "./later.tsx";

const LiveVideo = later(async () => (await import("./live-video.tsx")).LiveVideo);

export interface CameraStillProps {
  readonly view: CameraView;
  /** Absent: no case is made from here. */
  readonly onCase?: () => void;
}

/** The newest still of one camera with its age; its video on click. */
export function CameraStill({ view, onCase }: CameraStillProps) {
  const { node, camera, site, state, code, isNodeOnline, stillAtMs, stillBytes } = view;
  const [isLive, setLive] = useState(false);
  const name = `${site ?? node} · ${camera}`;
  const words = [
    stillAtMs === undefined ? f("never") : f("age", { age: formatAge(locale.value, nowMs.value - stillAtMs) }),
    ...(stillBytes === undefined ? [] : [f("bytes", { size: formatNumber(locale.value, stillBytes / 1000) })]),
    ...(isNodeOnline ? [] : [f("away")]),
    ...(state === "online" && code === undefined ? [] : [code ?? state]),
  ];
  const still =
    stillAtMs === undefined ? (
      <div class="still-none" />
    ) : (
      <img src={`/api/v1${pathOf(view)}/still?at=${stillAtMs}`} alt={`${site ?? node}, ${camera}`} />
    );
  return (
    <figure class="still" data-still={`${node}/${camera}`}>
      {isLive ? (
        <LiveVideo path={pathOf(view)} name={name} onStop={() => setLive(false)}>
          {still}
        </LiveVideo>
      ) : (
        still
      )}
      <figcaption>
        <b>{name}</b>
        <span class="quiet">{words.join(" · ")}</span>
        <span class="still-acts">
          {!isLive && (
            <button
              type="button"
              class="button is-small"
              onClick={() => setLive(true)}
              disabled={!isNodeOnline}
              data-live-start
            >
              {live("live")}
            </button>
          )}
          {onCase !== undefined && (
            <button type="button" class="button is-small" onClick={onCase} disabled={stillAtMs === undefined}>
              {f("make-case")}
            </button>
          )}
        </span>
      </figcaption>
    </figure>
  );
}
