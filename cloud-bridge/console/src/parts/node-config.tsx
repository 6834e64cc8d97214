import { useEffect, useState } from "preact/hooks";
import type { ConfigCheckView, DesiredConfigView, InForceView, TwinView } from "../../../api/schema/twins.ts";
import { call, readForEdit } from "../api/client.ts";
import { may } from "../state/session.ts";
import { formatDayTime } from "../text/format.ts";
import { locale } from "../text/locale.ts";
import { configText as c } from "../text/packs/node-config.ts";
import { ProblemNote } from "./problem.tsx";

const REFRESH_MS = 5000;
const HASH_SHOWN = 12;
const BAD = new Set<TwinView["state"]>(["reverted", "refused", "expired", "drift"]);

/** A box's config: what is wanted, what is in force, why they differ; and a text to change it. */
export function NodeConfig({ node, timeZone }: { readonly node: string; readonly timeZone: string | undefined }) {
  const path = `/nodes/${encodeURIComponent(node)}/config`;
  const [twin, setTwin] = useState<TwinView>();
  const [error, setError] = useState<unknown>();
  const [isEditing, setEditing] = useState(false);
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
        <p class="hint is-bad">
          {reason.code}: {reason.message}
        </p>
      )}
      {state === "drift" && <p class="hint">{c("drift-lead")}</p>}
      <dl class="facts">
        {desired && (
          <>
            <dt>{c("desired")}</dt>
            <dd>
              <code>{desired.sha256.slice(0, HASH_SHOWN)}</code>{" "}
              {c("by", {
                n: desired.revision,
                who: desired.createdBy,
                time: formatDayTime(locale.value, desired.createdAtMs, timeZone),
              })}
            </dd>
          </>
        )}
        {reported && (
          <>
            <dt>{c("reported")}</dt>
            <dd>
              <code>{reported.sha256.slice(0, HASH_SHOWN)}</code> {c(`source.${reported.source}`)}
            </dd>
            <dt>{c("last-good")}</dt>
            <dd>
              <code>{reported.lastGood.slice(0, HASH_SHOWN)}</code>
            </dd>
          </>
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
              onClick={() => act("apply")}
              data-config-apply
            >
              {c("apply")}
            </button>
          )}
        </div>
      )}
      {told !== undefined && <p class="hint">{told}</p>}
      {desired && !isOpen && <p class="quiet">{c("apply-lead")}</p>}
      {isEditing && <ConfigEditor key={node} path={path} onSaved={() => void load().catch(setError)} />}
      {isEditing && <History path={path} timeZone={timeZone} onAgain={(revision) => act("revert", { revision })} />}
    </section>
  );
}

function ConfigEditor({ path, onSaved }: { readonly path: string; readonly onSaved: () => void }) {
  const [text, setText] = useState("");
  const [etag, setEtag] = useState<string>();
  const [checked, setChecked] = useState<ConfigCheckView>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const wanted = readForEdit<DesiredConfigView>(`${path}/desired`).then(({ value, etag: tag }) => {
      setText(value.document);
      setEtag(tag);
    });
    // Nobody has said what it should be: begin with what the box has.
    wanted
      .catch(() => call<InForceView>("GET", `${path}/in-force`).then(({ document }) => setText(document)))
      .catch(setError);
  }, [path]);
  const check = (): void => {
    const body = { document: text };
    call<ConfigCheckView>("POST", `${path}/check`, { body }).then((found) => {
      setChecked(found);
      setError(undefined);
    }, setError);
  };
  const save = async (): Promise<void> => {
    const presumed = etag === undefined ? { isNew: true } : { ifMatch: etag };
    await call("PUT", `${path}/desired`, { body: { document: text }, ...presumed });
    setEtag((await readForEdit<DesiredConfigView>(`${path}/desired`)).etag);
    setError(undefined);
    onSaved();
  };
  return (
    <>
      <label class="field">
        <span>{c("text")}</span>
        <textarea
          rows={18}
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          style={{ fontFamily: "monospace", whiteSpace: "pre" }}
          data-config-text
        />
      </label>
      <ProblemNote error={error} />
      <div class="order-kinds">
        <button type="button" class="button" onClick={check} data-config-check>
          {c("check")}
        </button>
        <button type="button" class="button" onClick={() => void save().catch(setError)} data-config-save>
          {c("save")}
        </button>
      </div>
      {checked && <Checked checked={checked} />}
    </>
  );
}

function Checked({ checked: { faults, changes } }: { readonly checked: ConfigCheckView }) {
  return (
    <div data-config-checked={faults.length}>
      {faults.length === 0 && <p class="hint">{c("no-faults")}</p>}
      <ul>
        {faults.map((fault) => (
          <li key={`${fault.line} ${fault.column} ${fault.message}`}>
            <strong>{c("line", { n: fault.line })}</strong> {fault.message}
            <p class="hint">{c("expected", { what: fault.suggestion ?? fault.expected })}</p>
          </li>
        ))}
      </ul>
      {changes?.length === 0 && <p class="hint">{c("no-changes")}</p>}
      {changes !== undefined && changes.length > 0 && (
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{c("changes")}</th>
              <th scope="col">{c("before")}</th>
              <th scope="col">{c("after")}</th>
            </tr>
          </thead>
          <tbody>
            {changes.map((change) => (
              <tr key={change.path}>
                <th scope="row">{change.path}</th>
                <td>{JSON.stringify(change.from) ?? "–"}</td>
                <td>{JSON.stringify(change.to) ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
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
