import { useEffect, useState } from "preact/hooks";
import type { ConfigDiffView, DesiredConfigView, TwinView } from "../../../api/schema/twins.ts";
import { call } from "../api/client.ts";
import { may } from "../state/session.ts";
import { formatDayTime } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { configText as c } from "../text/packs/node-config.ts";
import { ConfigChanges } from "./config-changes.tsx";
import { later } from "./later.tsx";
import { ProblemNote } from "./problem.tsx";

/** With the form come its titles and what reads YAML. */
const ConfigEditor = later(async () => (await import("./node-config-editor.tsx")).ConfigEditor);

const REFRESH_MS = 5000;
const HASH_SHOWN = 12;
const DEFAULT_HOLD_S = 30;
const BAD = new Set<TwinView["state"]>(["reverted", "refused", "expired", "drift"]);

/** A box's config: what is wanted, what is in force, why they differ; and a text to change it. */
export function NodeConfig({ node, timeZone }: { readonly node: string; readonly timeZone: string | undefined }) {
  const path = `/nodes/${encodeURIComponent(node)}/config`;
  const [twin, setTwin] = useState<TwinView>();
  const [error, setError] = useState<unknown>();
  const [isEditing, setEditing] = useState(false);
  const [isSending, setSending] = useState(false);
  const [told, setTold] = useState<string>();
  const load = (): Promise<void> => call<TwinView>("GET", path).then(setTwin);
  useEffect(() => {
    const look = (): void => void load().then(() => setError(undefined), setError);
    look();
    const timer = setInterval(look, REFRESH_MS);
    return () => clearInterval(timer);
  }, [node]);
  const act = (name: string, body: object = {}): void => {
    call<TwinView>("POST", `${path}/${name}`, { body }).then((view) => {
      setTwin(view);
      setError(undefined);
      setTold(name === "ask" ? c("asked") : undefined);
    }, setError);
  };
  const state = twin?.state;
  const { desired, reported, reason } = twin ?? {};
  const isOpen = state === "waiting" || state === "sent" || state === "trying" || state === "in-sync";
  return (
    <section class="panel" aria-label={c("title")} data-config={state}>
      <h3>
        {c("title")} {state && <span class={`tag${BAD.has(state) ? " is-warning" : ""}`}>{c(`state.${state}`)}</span>}
      </h3>
      <ProblemNote error={error} />
      {reason && (
        <p class="hint is-bad" data-config-reason>
          {reason.code}: {reason.message}
        </p>
      )}
      {state === "drift" && <p class="hint">{c("drift-lead")}</p>}
      <dl class="facts">
        {desired && (
          <div>
            <dt>{c("desired")}</dt>
            <dd>
              <code>{desired.sha256.slice(0, HASH_SHOWN)}</code>{" "}
              {c("by", {
                n: desired.revision,
                who: desired.createdBy,
                time: formatDayTime(locale.value, desired.createdAtMs, timeZone),
              })}
            </dd>
          </div>
        )}
        {reported && (
          <div>
            <dt>{c("reported")}</dt>
            <dd>
              <code data-config-reported>{reported.sha256.slice(0, HASH_SHOWN)}</code> {c(`source.${reported.source}`)}
            </dd>
          </div>
        )}
        {reported && (
          <div>
            <dt>{c("last-good")}</dt>
            <dd>
              <code>{reported.lastGood.slice(0, HASH_SHOWN)}</code>
            </dd>
          </div>
        )}
      </dl>
      {may("addNodes") && (
        <div class="order-kinds">
          <button type="button" class="button" onClick={() => act("ask")} data-config-ask>
            {c("ask")}
          </button>
          <button type="button" class="button" onClick={() => setEditing(!isEditing)} data-config-edit>
            {c("edit")}
          </button>
          {desired && (
            <button
              type="button"
              class="button is-primary"
              disabled={isOpen}
              onClick={() => setSending(true)}
              data-config-apply
            >
              {c("apply")}
            </button>
          )}
        </div>
      )}
      {told !== undefined && <p class="hint">{told}</p>}
      {desired && !isOpen && <p class="quiet">{c("apply-lead")}</p>}
      {desired && isSending && !isOpen && (
        <SendStep
          key={desired.revision}
          path={path}
          onSend={(holdS) => {
            setSending(false);
            act("apply", { holdS });
          }}
          onLater={() => setSending(false)}
        />
      )}
      {isEditing && <ConfigEditor key={node} path={path} onSaved={() => void load().catch(setError)} />}
      {isEditing && <History path={path} timeZone={timeZone} onAgain={(revision) => act("revert", { revision })} />}
    </section>
  );
}

interface SendStepProps {
  readonly path: string;
  readonly onSend: (holdS: number) => void;
  readonly onLater: () => void;
}

/** What goes out is looked at before it does. */
function SendStep({ path, onSend, onLater }: SendStepProps) {
  const [changes, setChanges] = useState<ConfigDiffView["changes"]>();
  const [error, setError] = useState<unknown>();
  const [holdS, setHoldS] = useState(String(DEFAULT_HOLD_S));
  useEffect(() => {
    call<ConfigDiffView>("GET", `${path}/diff`).then((diff) => setChanges(diff.changes), setError);
  }, [path]);
  return (
    <div data-config-diff={changes?.length}>
      <ProblemNote error={error} />
      {changes !== undefined && <ConfigChanges changes={changes} />}
      <form
        class="config-send"
        onSubmit={(event) => {
          event.preventDefault();
          onSend(Number(holdS));
        }}
      >
        <label class="field">
          <span>{c("hold")}</span>
          <input
            type="number"
            min={1}
            max={3600}
            required
            value={holdS}
            onInput={(event) => setHoldS(event.currentTarget.value)}
            data-config-hold
          />
        </label>
        <button type="submit" class="button is-primary" data-config-send>
          {c("send")}
        </button>
        <button type="button" class="button" onClick={onLater}>
          {c("later")}
        </button>
      </form>
    </div>
  );
}

interface HistoryProps {
  readonly path: string;
  readonly timeZone: string | undefined;
  readonly onAgain: (revision: number) => void;
}

function History({ path, timeZone, onAgain }: HistoryProps) {
  const [items, setItems] = useState<readonly DesiredConfigView[]>([]);
  useEffect(() => {
    call<{ items: DesiredConfigView[] }>("GET", `${path}/history?limit=10`).then(
      (page) => setItems(page.items),
      () => {},
    );
  }, [path]);
  const earlier = items.slice(1);
  if (earlier.length === 0) return null;
  return (
    <>
      <h4>{c("history")}</h4>
      <ul>
        {earlier.map(({ revision, createdBy, createdAtMs, note }) => (
          <li key={revision}>
            {c("by", { n: revision, who: createdBy, time: formatDayTime(locale.value, createdAtMs, timeZone) })} {note}{" "}
            <button type="button" class="button" onClick={() => onAgain(revision)}>
              {c("again")}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
