/** As much of JSON Schema as the schema of a node's config uses, in which both the node and this form read it. */
export interface SchemaNode {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly anyOf?: readonly SchemaNode[];
}

type Scalar = string | number | boolean;

export interface FormField {
  /** Keys from the top of the document. */
  readonly path: readonly string[];
  readonly title: string;
  readonly description?: string;
  readonly kind: "text" | "number" | "switch" | "choice";
  readonly options?: readonly Scalar[];
  /** What holds where nothing is written. */
  readonly fallback?: Scalar;
  readonly value?: Scalar;
  readonly isRequired: boolean;
}

export interface FormPart {
  readonly path: readonly string[];
  /** Of the kind of bus, device or rule, or of the part itself. */
  readonly title: string;
  /** Of one of many: its own name. */
  readonly name?: string;
  readonly fields: readonly FormField[];
}

/** Parts with single values that the bridge may change. Lists, cameras and all else are for the text. */
const PARTS = ["site", "buses", "devices", "rules", "levelWatch", "position", "time", "retention"] as const;
/** A part says which of several shapes it has by one of these. */
const TELLERS = ["driver", "kind"];
/** Keys that name something else of the same document. */
const REFERENCES: Readonly<Record<string, string>> = { bus: "buses", device: "devices" };

/** What of a document can be changed in a form, as the schema says. */
export function formOf(schema: SchemaNode, document: unknown): readonly FormPart[] {
  return PARTS.flatMap((name): readonly FormPart[] => {
    const node = schema.properties?.[name];
    const value = memberOf(document, name);
    if (node === undefined) return [];
    const [each] = Object.values(node.patternProperties ?? {});
    if (each === undefined) {
      const fields = fieldsOf(node, value, [name], document);
      return fields.length === 0 ? [] : [{ path: [name], title: node.title ?? name, fields }];
    }
    return Object.entries(isMap(value) ? value : {}).flatMap(([key, member]) => {
      const shape = shapeOf(each, member);
      if (shape === undefined) return [];
      const path = [name, key];
      return [
        { path, title: shape.title ?? node.title ?? name, name: key, fields: fieldsOf(shape, member, path, document) },
      ];
    });
  });
}

/** A written value as the document is to have it; undefined: nothing is written. What is no number stays for the check to say. */
export function writtenValue(
  kind: FormField["kind"],
  text: string,
  options: readonly Scalar[] = [],
): Scalar | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (kind === "switch") return trimmed === "true";
  if (kind === "choice") return options.find((option) => String(option) === trimmed) ?? trimmed;
  if (kind === "number" && Number.isFinite(Number(trimmed))) return Number(trimmed);
  return trimmed;
}

/** Every title that a form over this schema may show. */
export function titlesOf(schema: SchemaNode): ReadonlySet<string> {
  const titles = new Set<string>();
  for (const name of PARTS) {
    const node = schema.properties?.[name];
    if (node === undefined) continue;
    const shapes = Object.values(node.patternProperties ?? { own: node }).flatMap((each) => each.anyOf ?? [each]);
    for (const shape of shapes) {
      const title = shape.title ?? node.title;
      if (title !== undefined) titles.add(title);
      for (const field of fieldsOf(shape, {}, [], {})) titles.add(field.title);
    }
  }
  return titles;
}

function fieldsOf(shape: SchemaNode, value: unknown, path: readonly string[], document: unknown): readonly FormField[] {
  return Object.entries(shape.properties ?? {}).flatMap(([key, node]) => {
    const own = memberOf(value, key);
    if (node.const !== undefined || (own !== undefined && !isScalar(own))) return [];
    // The box's own secret: entered there, and nothing for a form.
    if (typeof own === "string" && own.includes("***")) return [];
    const field = fieldOf(key, node, document);
    if (field === undefined) return [];
    // A part that is not there demands nothing: a vehicle has no site.
    const isRequired = value !== undefined && shape.required?.includes(key) === true && node.default === undefined;
    const { title = key, description } = node;
    return [
      {
        ...{ path: [...path, key], title, ...field, isRequired },
        ...(description === undefined ? {} : { description }),
        ...(isScalar(node.default) ? { fallback: node.default } : {}),
        ...(own === undefined ? {} : { value: own }),
      },
    ];
  });
}

function fieldOf(key: string, node: SchemaNode, document: unknown): Pick<FormField, "kind" | "options"> | undefined {
  const referred = REFERENCES[key];
  const names = referred === undefined ? undefined : memberOf(document, referred);
  if (isMap(names)) return { kind: "choice", options: Object.keys(names) };
  const shapes = node.anyOf ?? [node];
  const options = shapes.flatMap((shape) => [shape.const, ...(shape.enum ?? [])]).filter(isScalar);
  if (options.length > 0) return { kind: "choice", options };
  const types = shapes.map(({ type }) => type);
  if (types.includes("boolean")) return { kind: "switch" };
  if (types.includes("number") || types.includes("integer")) return { kind: "number" };
  return types.includes("string") ? { kind: "text" } : undefined;
}

/** The one of several shapes that a value has: its teller fits, and what that shape demands is there. */
function shapeOf(each: SchemaNode, value: unknown): SchemaNode | undefined {
  if (each.anyOf === undefined) return each;
  return each.anyOf.find(({ properties = {}, required = [] }) => {
    const teller = TELLERS.find((key) => properties[key]?.const !== undefined);
    if (teller !== undefined) return memberOf(value, teller) === properties[teller]?.const;
    return required.every((key) => properties[key]?.default !== undefined || memberOf(value, key) !== undefined);
  });
}

function memberOf(value: unknown, key: string): unknown {
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
