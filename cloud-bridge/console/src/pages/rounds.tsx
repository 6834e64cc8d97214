import { useState } from "preact/hooks";
import "../styles/nodes.css";
import type { CameraView, RoundCase, RoundFinding } from "../../../api/schema/cameras.ts";
import { call, newIdempotencyKey } from "../api/client.ts";
import { CameraStill } from "../parts/camera-still.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { TextArea, TextField } from "../parts/fields.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { navigate } from "../router.ts";
import { pathOf, useCameras } from "../state/cameras.ts";
import { may } from "../state/session.ts";
import { roundText as f } from "../text/packs/rounds.ts";

/** The latest still of every camera, to be walked through with the eyes. */
export function RoundsPage() {
  const { cameras, error } = useCameras();
  const [chosen, setChosen] = useState<CameraView>();
  return (
    <div class="page" data-rounds>
      <header class="page-head">
        <h1>{f("title")}</h1>
        <p class="quiet">{f("lead")}</p>
      </header>
      <ProblemNote error={error} />
      {cameras?.length === 0 && (
        <div class="empty is-tall">
          <p>{f("none")}</p>
        </div>
      )}
      <ul class="stills">
        {cameras?.map((view) => (
          <li key={`${view.node}/${view.camera}`}>
            <CameraStill view={view} {...(may("actOnCases") ? { onCase: () => setChosen(view) } : {})} />
          </li>
        ))}
      </ul>
      {chosen !== undefined && <CaseDialog view={chosen} onClose={() => setChosen(undefined)} />}
    </div>
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
