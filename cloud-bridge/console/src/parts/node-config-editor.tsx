import { useEffect, useState } from "preact/hooks";
import type { ConfigCheckView, DesiredConfigView, InForceView } from "../../../api/schema/twins.ts";
import { call, readForEdit } from "../api/client.ts";
import type { SchemaNode } from "../config-form/form-fields.ts";
import { locale } from "../text/locale.ts";
import { configText as c } from "../text/packs/node-config.ts";
import { ConfigChanges } from "./config-changes.tsx";
import { ConfigForm } from "./config-form.tsx";
import { Segments } from "./figures.tsx";
import { ProblemNote } from "./problem.tsx";

const CHECK_AFTER_MS = 500;

/** The wanted config in a form, and as the text that it is. */
export function ConfigEditor({ path, onSaved }: { readonly path: string; readonly onSaved: () => void }) {
  const [text, setText] = useState("");
  const [etag, setEtag] = useState<string>();
  const [checked, setChecked] = useState<ConfigCheckView>();
  const [error, setError] = useState<unknown>();
  const [schema, setSchema] = useState<SchemaNode>();
  const [shape, setShape] = useState<"form" | "text">("form");
  useEffect(() => void call<SchemaNode>("GET", "/config-schema").then(setSchema, setError), []);
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
    const body = { document: text, locale: locale.value };
    call<ConfigCheckView>("POST", `${path}/check`, { body }).then((found) => {
      setChecked(found);
      setError(undefined);
    }, setError);
  };
  // What is written is held against the schema by the bridge's own checker, as soon as somebody pauses.
  useEffect(() => {
    if (text === "") return;
    const timer = setTimeout(check, CHECK_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text, locale.value]);
  const save = async (): Promise<void> => {
    const presumed = etag === undefined ? { isNew: true } : { ifMatch: etag };
    await call("PUT", `${path}/desired`, { body: { document: text }, ...presumed });
    setEtag((await readForEdit<DesiredConfigView>(`${path}/desired`)).etag);
    setError(undefined);
    onSaved();
  };
  return (
    <>
      <Segments
        label={c("as")}
        options={[
          { value: "form", text: c("as-form") },
          { value: "text", text: c("as-text") },
        ]}
        value={shape}
        onChange={setShape}
      />
      {shape === "form" && schema !== undefined && text !== "" && (
        <ConfigForm schema={schema} text={text} faults={checked?.faults ?? []} onText={setText} />
      )}
      {shape === "text" && (
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
      )}
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
      {changes !== undefined && <ConfigChanges changes={changes} />}
    </div>
  );
}
