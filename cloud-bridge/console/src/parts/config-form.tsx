import "../styles/config-form.css";
import { useMemo, useState } from "preact/hooks";
import type { ConfigCheckView } from "../../../api/schema/twins.ts";
import { readText, withValue } from "../config-form/document-text.ts";
import { type FormField, type FormPart, formOf, type SchemaNode, writtenValue } from "../config-form/form-fields.ts";
import { configFieldTitle } from "../text/packs/config-fields.ts";
import { configText as c } from "../text/packs/node-config.ts";

type Fault = ConfigCheckView["faults"][number];

export interface ConfigFormProps {
  readonly schema: SchemaNode;
  readonly text: string;
  readonly faults: readonly Fault[];
  readonly onText: (text: string) => void;
}

/** Fields for what the schema of the node says, over the text, which stays what is saved. */
export function ConfigForm({ schema, text, faults, onText }: ConfigFormProps) {
  const document = useMemo(() => readText(text), [text]);
  if (document === undefined) return <p class="hint is-bad">{c("unreadable")}</p>;
  const change = (field: FormField, written: string): void =>
    onText(withValue(text, field.path, writtenValue(field.kind, written, field.options)));
  return (
    <div class="config-form" data-config-form>
      <p class="hint">{c("form-lead")}</p>
      {formOf(schema, document).map((part) => (
        <Part key={part.path.join(".")} part={part} faults={faults} onChange={change} />
      ))}
    </div>
  );
}

interface PartProps {
  readonly part: FormPart;
  readonly faults: readonly Fault[];
  readonly onChange: (field: FormField, written: string) => void;
}

function Part({ part: { path, title, name, fields }, faults, onChange }: PartProps) {
  const [isWhole, setWhole] = useState(false);
  // What somebody is writing in stays though it is empty for a moment.
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const id = path.join(".");
  const faultOf = (field: FormField) => faults.find((fault) => fault.path === field.path.join("."));
  const isShown = (field: FormField): boolean =>
    isWhole ||
    field.value !== undefined ||
    field.isRequired ||
    touched.has(field.path.join(".")) ||
    faultOf(field) !== undefined;
  const hidden = fields.filter((field) => !isShown(field)).length;
  return (
    <fieldset class="config-part" data-config-part={id}>
      <legend>
        {name !== undefined && <code>{name}</code>} {configFieldTitle(title)}
      </legend>
      {fields.filter(isShown).map((field) => (
        <Field
          key={field.path.join(".")}
          field={field}
          fault={faultOf(field)}
          onChange={(written) => {
            setTouched(new Set([...touched, field.path.join(".")]));
            onChange(field, written);
          }}
        />
      ))}
      {hidden > 0 && (
        <button type="button" class="button" onClick={() => setWhole(true)} data-config-more={id}>
          {c("more", { n: hidden })}
        </button>
      )}
    </fieldset>
  );
}

interface FieldProps {
  readonly field: FormField;
  readonly fault: Fault | undefined;
  readonly onChange: (written: string) => void;
}

function Field({ field, fault, onChange }: FieldProps) {
  const { path, title, kind, options = [], value, fallback } = field;
  const id = path.join(".");
  const shown = value === undefined ? "" : String(value);
  const choices = kind === "switch" ? [true, false] : options;
  const common = { id, "data-config-field": id, ...(fault === undefined ? {} : { "aria-invalid": true }) };
  return (
    <label class="field" htmlFor={id}>
      <span>
        {configFieldTitle(title)} <code>{path.at(-1)}</code>
      </span>
      {kind === "switch" || kind === "choice" ? (
        <select value={shown} onChange={(event) => onChange(event.currentTarget.value)} {...common}>
          <option value="">{fallback === undefined ? c("not-set") : c("default", { value: said(fallback) })}</option>
          {choices.map((choice) => (
            <option key={String(choice)} value={String(choice)}>
              {said(choice)}
            </option>
          ))}
          {value !== undefined && !choices.includes(value) && <option value={shown}>{shown}</option>}
        </select>
      ) : (
        <input
          value={shown}
          onChange={(event) => onChange(event.currentTarget.value)}
          spellcheck={false}
          {...(kind === "number" ? { inputMode: "decimal" as const } : {})}
          {...(fallback === undefined ? {} : { placeholder: c("default", { value: String(fallback) }) })}
          {...common}
        />
      )}
      {fault !== undefined && (
        <small class="hint is-bad" data-config-fault={id}>
          {fault.message} {c("expected", { what: fault.suggestion ?? fault.expected })}
        </small>
      )}
    </label>
  );
}

function said(value: string | number | boolean): string {
  if (value === true) return c("yes");
  return value === false ? c("no") : String(value);
}
