import type { ComponentChildren } from "preact";
import { t } from "../text/locale.ts";

interface FieldProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly isOptional?: boolean;
}

interface TextFieldProps extends FieldProps {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly maxLength: number;
  readonly pattern?: string;
  readonly isFirst?: boolean;
  readonly inputMode?: "decimal" | "numeric" | "tel";
}

export function TextField(props: TextFieldProps) {
  const { label, value, onInput, maxLength, pattern, hint, inputMode } = props;
  const { isOptional = false, isFirst = false } = props;
  return (
    <label class="field">
      <Label label={label} isOptional={isOptional} />
      <input
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
        required={!isOptional}
        maxLength={maxLength}
        {...(pattern === undefined ? {} : { pattern })}
        {...(inputMode === undefined ? {} : { inputMode })}
        {...(isFirst ? { autofocus: true } : {})}
        spellcheck={false}
      />
      {hint !== undefined && <small class="quiet">{hint}</small>}
    </label>
  );
}

interface TimeFieldProps extends FieldProps {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly type: "datetime-local" | "date" | "time";
}

/** A day, a time, or both, by the clock of this place. */
export function TimeField({ label, value, onInput, type, hint, isOptional = false }: TimeFieldProps) {
  return (
    <label class="field">
      <Label label={label} isOptional={isOptional} />
      <input type={type} value={value} onInput={(event) => onInput(event.currentTarget.value)} required={!isOptional} />
      {hint !== undefined && <small class="quiet">{hint}</small>}
    </label>
  );
}

interface TextAreaProps extends FieldProps {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly maxLength: number;
  readonly isFirst?: boolean;
}

export function TextArea({ label, value, onInput, maxLength, hint, isOptional = false, isFirst }: TextAreaProps) {
  return (
    <label class="field">
      <Label label={label} isOptional={isOptional} />
      <textarea
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
        required={!isOptional}
        maxLength={maxLength}
        rows={3}
        {...(isFirst === true ? { autofocus: true } : {})}
      />
      {hint !== undefined && <small class="quiet">{hint}</small>}
    </label>
  );
}

export interface Option {
  readonly value: string;
  readonly text: string;
}

interface SelectFieldProps extends FieldProps {
  readonly value: string;
  readonly options: readonly Option[];
  readonly onChange: (value: string) => void;
  /** Text of the empty choice, where there may be none. */
  readonly none?: string;
}

export function SelectField({ label, value, options, onChange, none, hint, isOptional = false }: SelectFieldProps) {
  return (
    <label class="field">
      <Label label={label} isOptional={isOptional} />
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)} required={!isOptional}>
        {none !== undefined && <option value="">{none}</option>}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
      {hint !== undefined && <small class="quiet">{hint}</small>}
    </label>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly isFirst?: boolean;
  readonly name: string;
  readonly value: string;
  readonly options: readonly Option[];
  readonly onChange: (value: string) => void;
}

/** A few choices side by side: seen at once, walked with the arrow keys. With none chosen before, one must be. */
export function Choice({ label, name, value, options, onChange, isFirst = false }: ChoiceProps) {
  const first = options.some((option) => option.value === value) ? value : options[0]?.value;
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      {options.map((option) => (
        <label key={option.value}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            required
            onChange={() => onChange(option.value)}
            {...(isFirst && option.value === first ? { autofocus: true } : {})}
          />
          <span>{option.text}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface ManyProps {
  readonly label: string;
  readonly values: readonly string[];
  readonly options: readonly Option[];
  readonly onChange: (values: readonly string[]) => void;
}

export function ChooseMany({ label, values, options, onChange }: ManyProps) {
  const toggle = (value: string): void =>
    onChange(values.includes(value) ? values.filter((one) => one !== value) : [...values, value]);
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      {options.map((option) => (
        <label key={option.value}>
          <input
            type="checkbox"
            value={option.value}
            checked={values.includes(option.value)}
            onChange={() => toggle(option.value)}
          />
          <span>{option.text}</span>
        </label>
      ))}
    </fieldset>
  );
}

export function TwoFields({ children }: { readonly children: ComponentChildren }) {
  return <div class="two-fields">{children}</div>;
}

function Label({ label, isOptional }: { readonly label: string; readonly isOptional: boolean }) {
  return (
    <span>
      {label}
      {isOptional && <em> {t("field.optional")}</em>}
    </span>
  );
}

/** `text` where something is written in it, nothing where not: an empty field is left out of a request. */
export const given = <K extends string>(key: K, text: string): { [P in K]?: string } =>
  text.trim() === "" ? {} : ({ [key]: text.trim() } as { [P in K]?: string });
