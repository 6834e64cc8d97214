import { useEffect, useState } from "preact/hooks";
import "../styles/nodes.css";
import type { CameraList } from "../../../api/schema/cameras.ts";
import { call } from "../api/client.ts";
import { useCameras } from "../state/cameras.ts";
import { liveVideoText as f } from "../text/packs/live-video.ts";
import { CameraStill } from "./camera-still.tsx";
import { ProblemNote } from "./problem.tsx";

export interface NodeCamerasProps {
  readonly nodes: readonly string[];
  /** Each still costs the node's line: a page that stands open all day asks first. */
  readonly isClosed?: boolean;
}

/** The cameras of some nodes; nothing at all where they have none. */
export function NodeCameras({ nodes, isClosed = false }: NodeCamerasProps) {
  const [hasAny, setAny] = useState(!isClosed);
  const [isOpen, setOpen] = useState(!isClosed);
  const key = nodes.join("\n");
  useEffect(() => {
    setOpen(!isClosed);
    if (!isClosed) return;
    call<CameraList>("GET", "/cameras").then(
      ({ cameras }) => setAny(cameras.some(({ node }) => nodes.includes(node))),
      () => setAny(false),
    );
  }, [key]);
  if (!hasAny) return null;
  return (
    <section class="panel" aria-label={f("title")} data-cameras>
      <h3>
        {f("title")}
        {isClosed && (
          <button type="button" class="button is-small" onClick={() => setOpen(!isOpen)} data-cameras-turn>
            {f(isOpen ? "close" : "look")}
          </button>
        )}
      </h3>
      {isOpen && <Stills key={key} nodes={nodes} />}
    </section>
  );
}

function Stills({ nodes }: { readonly nodes: readonly string[] }) {
  const { cameras, error } = useCameras(({ node }) => nodes.includes(node));
  return (
    <>
      <ProblemNote error={error} />
      <ul class="stills">
        {cameras?.map((view) => (
          <li key={`${view.node}/${view.camera}`}>
            <CameraStill view={view} />
          </li>
        ))}
      </ul>
    </>
  );
}
