import { useEffect, useState } from "preact/hooks";
import "../styles/nodes.css";
import type { CameraList, CameraView, RoundCase, RoundFinding } from "../../../api/schema/cameras.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { nowMs } from "../clock.ts";
import { Dialog } from "../parts/dialog.tsx";
import { TextArea, TextField } from "../parts/fields.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { navigate } from "../router.ts";
import { may } from "../state/session.ts";
import { formatAge, formatNumber } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { roundText as f } from "../text/packs/rounds.ts";

const REFRESH_MS = 3000;
/** Before the lease of a minute ends. */
const WATCH_AGAIN_MS = 45_000;

const pathOf = ({ node, camera }: CameraView): string =>
  `/nodes/${encodeURIComponent(node)}/cameras/${encodeURIComponent(camera)}`;

/** The latest still of every camera, to be walked through with the eyes. */
export function RoundsPage() {
  const [list, setList] = useState<CameraList>();
  const [error, setError] = useState<unknown>();
  const [chosen, setChosen] = useState<CameraView>();
  useEffect(() => {
    const watchedMs = new Map<string, number>();
    const look = async (): Promise<void> => {
      if (document.hidden) return;
      try {
        const next = await call<CameraList>("GET", "/cameras");
        setList(next);
        setError(undefined);
        for (const view of next.cameras) {
          const path = pathOf(view);
          if (!view.isNodeOnline || Date.now() - (watchedMs.get(path) ?? 0) < WATCH_AGAIN_MS) continue;
          watchedMs.set(path, Date.now());
          // A node that has just gone shows by the age of its still.
          void call("POST", `${path}/watch`).catch(() => watchedMs.delete(path));
        }
      } catch (cause) {
        setError(cause);
      }
    };
    void look();
    const timer = setInterval(() => void look(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="page" data-rounds>
      <header class="page-head">
        <h1>{f("title")}</h1>
        <p class="quiet">{f("lead")}</p>
      </header>
      <ProblemNote error={error} />
      {list?.cameras.length === 0 && (
        <div class="empty is-tall">
          <p>{f("none")}</p>
        </div>
      )}
      <ul class="stills">
        {list?.cameras.map((view) => (
          <li key={`${view.node}/${view.camera}`}>
            <Still view={view} onCase={() => setChosen(view)} />
          </li>
        ))}
      </ul>
      {chosen !== undefined && <CaseDialog view={chosen} onClose={() => setChosen(undefined)} />}
    </div>
  );
}

function Still({ view, onCase }: { readonly view: CameraView; readonly onCase: () => void }) {
  const { node, camera, site, state, code, isNodeOnline, stillAtMs, stillBytes } = view;
  const words = [
    stillAtMs === undefined ? f("never") : f("age", { age: formatAge(locale.value, nowMs.value - stillAtMs) }),
    ...(stillBytes === undefined ? [] : [f("bytes", { size: formatNumber(locale.value, stillBytes / 1000) })]),
    ...(isNodeOnline ? [] : [f("away")]),
    ...(state === "online" && code === undefined ? [] : [code ?? state]),
  ];
  return (
    <figure class="still" data-still={`${node}/${camera}`}>
      {stillAtMs === undefined ? (
        <div class="still-none" />
      ) : (
        <img src={`/api/v1${pathOf(view)}/still?at=${stillAtMs}`} alt={`${site ?? node}, ${camera}`} />
      )}
      <figcaption>
        <b>
          {site ?? node} · {camera}
        </b>
        <span class="quiet">{words.join(" · ")}</span>
        {may("actOnCases") && (
          <button type="button" class="button is-small" onClick={onCase} disabled={stillAtMs === undefined}>
            {f("make-case")}
          </button>
        )}
      </figcaption>
    </figure>
  );
}

function CaseDialog({ view, onClose }: { readonly view: CameraView; readonly onClose: () => void }) {
  const name = `${view.site ?? view.node} · ${view.camera}`;
  const [title, setTitle] = useState(f("case.preset", { camera: name }));
  const [description, setDescription] = useState("");
  const [key] = useState(newIdempotencyKey);
  const send = async (): Promise<void> => {
    const body: RoundFinding = { title, ...(description.trim() === "" ? {} : { description: description.trim() }) };
    const { caseId } = await call<RoundCase>("POST", `${pathOf(view)}/case`, { body, idempotencyKey: key });
    navigate(`/desk/${encodeURIComponent(caseId)}`);
  };
  return (
    <Dialog title={f("case.title", { camera: name })} doIt={f("make-case")} onDo={send} onClose={onClose}>
      <p class="quiet">{f("case.lead")}</p>
      <TextField label={f("case.what")} value={title} onInput={setTitle} maxLength={200} />
      <TextArea label={f("case.words")} value={description} onInput={setDescription} maxLength={4000} isOptional />
    </Dialog>
  );
}
