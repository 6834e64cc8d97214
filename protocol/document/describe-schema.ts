import type { TSchema } from "typebox";

/** The JSON Schema keywords that config schemas use, and two notes of ours: `expected` and `keyForm`. */
export interface LooseSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly LooseSchema[];
  readonly properties?: Readonly<Record<string, LooseSchema>>;
  readonly patternProperties?: Readonly<Record<string, LooseSchema>>;
  readonly required?: readonly string[];
  readonly items?: LooseSchema | readonly LooseSchema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly default?: unknown;
  readonly title?: string;
  readonly description?: string;
  readonly examples?: unknown;
  /** A phrase for faults: what belongs here. */
  readonly expected?: string;
  /** For a map of named things: what a name looks like. */
  readonly keyForm?: { readonly expected: string; readonly examples?: unknown };
}

/** A TypeBox schema is a JSON Schema object: read it as one. */
export function looseSchema(schema: TSchema): LooseSchema {
  return schema as LooseSchema;
}

export function isObjectSchema(schema: LooseSchema): boolean {
  return schema.type === "object" || schema.properties !== undefined || schema.patternProperties !== undefined;
}

/** What a schema wants, as a phrase: `a whole number from 1 to 247`, `one of rtu, tcp`. */
export function describeSchema(schema: LooseSchema): string {
  if (schema.expected !== undefined) return schema.expected;
  if (schema.const !== undefined) return String(schema.const);
  const choices = schema.enum ?? literals(schema);
  if (choices !== undefined) return `one of ${choices.map(String).join(", ")}`;
  if (schema.anyOf !== undefined) return schema.anyOf.map(describeSchema).join(", or ");
  switch (schema.type) {
    case "integer":
      return `a whole number${range(schema)}`;
    case "number":
      return `a number${range(schema)}`;
    case "boolean":
      return "true or false";
    case "null":
      return "nothing";
    case "array":
      return `a list${count(schema.minItems, schema.maxItems)}`;
    case "string":
      return schema.pattern === undefined
        ? `text${count(schema.minLength, schema.maxLength, " characters")}`
        : `text of the form ${schema.pattern}`;
    default:
      break;
  }
  if (schema.properties !== undefined) return `named values: ${Object.keys(schema.properties).join(", ")}`;
  return schema.patternProperties === undefined ? "a value" : "named values, one for each name";
}

/** The first example of a schema, as it would be written. */
export function exampleOf(schema: LooseSchema): string | undefined {
  const first: unknown = Array.isArray(schema.examples) ? schema.examples[0] : undefined;
  const value: unknown = first ?? schema.default;
  if (value === undefined || value === null) return undefined;
  return writeFlow(value);
}

function writeFlow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(writeFlow).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const parts = Object.entries(value).map(([key, item]) => `${key}: ${writeFlow(item)}`);
    return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
  }
  const text = String(value);
  const isSafe = typeof value !== "string" || /^[A-Za-z./][A-Za-z0-9 ._/-]*$/.test(text);
  return isSafe ? text : JSON.stringify(text);
}

function literals(schema: LooseSchema): readonly unknown[] | undefined {
  const options = schema.anyOf;
  return options?.every((option) => option.const !== undefined) === true
    ? options.map((option) => option.const)
    : undefined;
}

function range(schema: LooseSchema): string {
  const low = schema.minimum;
  const high = schema.maximum;
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}`;
  if (schema.exclusiveMinimum !== undefined) return ` above ${schema.exclusiveMinimum}`;
  if (low !== undefined) return ` of at least ${low}`;
  return high === undefined ? "" : ` of at most ${high}`;
}

function count(least: number | undefined, most: number | undefined, unit = ""): string {
  if (least !== undefined && most !== undefined) return ` of ${least} to ${most}${unit}`;
  if (least !== undefined && least > 0) return ` of at least ${least}${unit}`;
  return most === undefined ? "" : ` of at most ${most}${unit}`;
}
