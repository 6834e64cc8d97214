import type { Static, TSchema } from "typebox";
import { describeSchema, exampleOf, isObjectSchema, type LooseSchema, looseSchema } from "./describe-schema.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { DocumentFault, DocumentFaultCode, Place } from "./fault.ts";
import type { DocumentNode, MapNode } from "./parse-document.ts";

export interface CheckedDocument<T> {
  /** With every default filled in. Only to be used where `faults` is empty. */
  readonly value: T;
  readonly faults: DocumentFault[];
}

/**
 * Holds a document against a schema and reports every fault, each at its place. A property with a `default` may be left
 * out and then has it; one that is neither optional nor has a default must be there. Keys that the schema does not name
 * are refused. `within` says where in a larger document the part stands. A schema may carry two notes for its reader: `expected`, a phrase, and `examples`, whose first is shown.
 */
export function checkDocument<S extends TSchema>(
  schema: S,
  root: DocumentNode,
  within: { readonly path: readonly string[]; readonly keyAt: Place } = { path: [], keyAt: root.at },
): CheckedDocument<Static<S>> {
  const walk = new Walk();
  const value = walk.value(looseSchema(schema), root, within.path, within.keyAt);
  // Every branch of the walk returns what its schema describes, or has noted a fault.
  return { value: value as Static<S>, faults: walk.faults };
}

/** The default of a schema whose parts all have one. */
export function defaultsOf<S extends TSchema>(schema: S): Static<S> {
  return checkDocument(schema, { type: "map", at: { line: 1, column: 1 }, entries: [] }).value;
}

class Walk {
  readonly faults: DocumentFault[] = [];

  value(schema: LooseSchema, node: DocumentNode, path: readonly string[], keyAt: Place): unknown {
    if (schema.anyOf?.some((option) => option.const === undefined) === true) {
      return this.#union(schema, schema.anyOf, node, path, keyAt);
    }
    if (isObjectSchema(schema)) return this.#map(schema, node, path, keyAt);
    if (schema.type === "array") return this.#list(schema, node, path);
    if (node.type !== "scalar") {
      if (isAnything(schema)) return plain(node);
      this.#add("CONFIG_WRONG_TYPE", path, node.at, `${nameOf(node)} where one value belongs`, schema);
      return undefined;
    }
    return this.#scalar(schema, node.value, path, node.at);
  }

  #scalar(schema: LooseSchema, value: string | number | boolean | null, path: readonly string[], at: Place): unknown {
    const choices = schema.enum ?? schema.anyOf?.map((option) => option.const);
    if (choices !== undefined || schema.const !== undefined) {
      const allowed = choices ?? [schema.const];
      if (allowed.includes(value)) return value;
      const near = typeof value === "string" ? didYouMean(value, allowed.map(String)) : undefined;
      this.#add("CONFIG_WRONG_VALUE", path, at, `${show(value)} is not one of the choices`, schema, near);
      return undefined;
    }
    switch (schema.type) {
      case "string":
        if (typeof value !== "string") return this.#wrongType(schema, value, path, at);
        if (value.length < (schema.minLength ?? 0) || value.length > (schema.maxLength ?? Number.POSITIVE_INFINITY)) {
          this.#add("CONFIG_WRONG_VALUE", path, at, `text of ${value.length} characters`, schema);
        } else if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(value)) {
          this.#add("CONFIG_WRONG_VALUE", path, at, `${show(value)} does not have the right form`, schema);
        }
        return value;
      case "integer":
      case "number": {
        if (typeof value !== "number") return this.#wrongType(schema, value, path, at);
        const isWhole = schema.type === "number" || Number.isSafeInteger(value);
        const isWithin =
          Number.isFinite(value) &&
          value >= (schema.minimum ?? Number.NEGATIVE_INFINITY) &&
          value <= (schema.maximum ?? Number.POSITIVE_INFINITY) &&
          value > (schema.exclusiveMinimum ?? Number.NEGATIVE_INFINITY) &&
          value < (schema.exclusiveMaximum ?? Number.POSITIVE_INFINITY);
        if (!isWhole) this.#add("CONFIG_WRONG_VALUE", path, at, `${show(value)} is not a whole number`, schema);
        else if (!isWithin) this.#add("CONFIG_WRONG_VALUE", path, at, `${show(value)} is out of range`, schema);
        return value;
      }
      case "boolean":
        return typeof value === "boolean" ? value : this.#wrongType(schema, value, path, at);
      case "null":
        return value === null ? value : this.#wrongType(schema, value, path, at);
      default:
        return value;
    }
  }

  #wrongType(
    schema: LooseSchema,
    value: string | number | boolean | null,
    path: readonly string[],
    at: Place,
  ): undefined {
    const seen =
      value === null ? "no value" : `${show(value)} is ${typeof value === "string" ? "text" : `a ${typeof value}`}`;
    this.#add("CONFIG_WRONG_TYPE", path, at, seen, schema);
    return undefined;
  }

  #list(schema: LooseSchema, node: DocumentNode, path: readonly string[]): unknown {
    if (node.type === "scalar" && node.value === null) return [];
    if (node.type !== "list") {
      this.#add("CONFIG_WRONG_TYPE", path, node.at, `${nameOf(node)} where a list belongs`, schema);
      return undefined;
    }
    const { items } = schema;
    const most = Array.isArray(items) ? items.length : (schema.maxItems ?? Number.POSITIVE_INFINITY);
    if (node.items.length < (schema.minItems ?? 0) || node.items.length > most) {
      this.#add("CONFIG_WRONG_VALUE", path, node.at, `a list of ${node.items.length}`, schema);
      return undefined;
    }
    return node.items.map((item, index) => {
      const itemSchema = Array.isArray(items) ? items[index] : items;
      return itemSchema === undefined ? plain(item) : this.value(itemSchema, item, [...path, String(index)], item.at);
    });
  }

  #map(schema: LooseSchema, node: DocumentNode, path: readonly string[], keyAt: Place): unknown {
    const entries = this.#entries(schema, node, path);
    if (entries === undefined) return undefined;
    const known = schema.properties ?? {};
    const patterns = Object.entries(schema.patternProperties ?? {});
    const result: Record<string, unknown> = {};
    for (const { key, keyAt: at, value } of entries) {
      const own = Object.hasOwn(known, key) ? known[key] : undefined;
      const matching = own ?? patterns.find(([pattern]) => new RegExp(pattern, "u").test(key))?.[1];
      if (matching !== undefined && key !== "__proto__") {
        result[key] = this.value(matching, value, [...path, key], at);
      } else if (patterns.length > 0) {
        const form = {
          ...(schema.keyForm ?? {}),
          expected: schema.keyForm?.expected ?? `a name like ${patterns[0]?.[0]}`,
        };
        this.#add("CONFIG_UNKNOWN_KEY", [...path, key], at, `${show(key)} cannot be a name here`, form);
      } else {
        const free = Object.keys(known).filter((name) => !entries.some((entry) => entry.key === name));
        const expected = `one of ${Object.keys(known).join(", ")}`;
        const near = didYouMean(key, free) ?? didYouMean(key, Object.keys(known));
        this.#add("CONFIG_UNKNOWN_KEY", [...path, key], at, `unknown key ${show(key)}`, { expected }, near);
      }
    }
    for (const [name, property] of Object.entries(known)) {
      if (Object.hasOwn(result, name) || entries.some(({ key }) => key === name)) continue;
      if (property.default !== undefined) {
        const missing = fromPlain(property.default, keyAt);
        result[name] = this.value(property, missing, [...path, name], keyAt);
      } else if (schema.required?.includes(name) === true) {
        this.#missing(name, property, path, keyAt);
      }
    }
    return result;
  }

  #missing(name: string, property: LooseSchema, path: readonly string[], at: Place): void {
    const example = exampleOf(property);
    this.faults.push({
      code: "CONFIG_MISSING_KEY",
      path: [...path, name].join("."),
      at,
      message: `${path.length === 0 ? "the file" : path.join(".")} lacks ${name}`,
      expected: `${name}: ${describeSchema(property)}`,
      ...(example === undefined ? {} : { example: `${name}: ${example}` }),
    });
  }

  #entries(schema: LooseSchema, node: DocumentNode, path: readonly string[]): MapNode["entries"] | undefined {
    if (node.type === "map") return node.entries;
    if (node.type === "scalar" && node.value === null) return [];
    this.#add("CONFIG_WRONG_TYPE", path, node.at, `${nameOf(node)} where named values belong`, schema);
    return undefined;
  }

  /** The option that was meant is the one told by its literal keys, else the one with the fewest faults. */
  #union(
    schema: LooseSchema,
    options: readonly LooseSchema[],
    node: DocumentNode,
    path: readonly string[],
    keyAt: Place,
  ): unknown {
    const key = node.type === "map" ? discriminatorOf(options) : undefined;
    if (key !== undefined) return this.#discriminated(options, key, node, path, keyAt);
    let best: { readonly value: unknown; readonly faults: DocumentFault[]; readonly weight: number } | undefined;
    for (const option of options) {
      const walk = new Walk();
      const value = walk.value(option, node, path, keyAt);
      if (walk.faults.length === 0) return value;
      const weight = walk.faults.length + likeness(option, node);
      if (best === undefined || weight < best.weight) best = { value, faults: walk.faults, weight };
    }
    const isOneOfScalars = !options.some((option) => isObjectSchema(option) || option.type === "array");
    if (best === undefined || isOneOfScalars || (node.type === "scalar" && node.value !== null)) {
      const seen = node.type === "scalar" ? show(node.value) : nameOf(node);
      const names = options.map((option) => option.const).filter((name) => typeof name === "string");
      const near = node.type === "scalar" && typeof node.value === "string" ? didYouMean(node.value, names) : undefined;
      this.#add("CONFIG_WRONG_VALUE", path, node.at, `${seen} does not fit`, schema, near);
      return undefined;
    }
    this.faults.push(...best.faults);
    return best.value;
  }

  /**
   * Options told apart by one literal key. Where that is missing or like no option, nothing else is said; where it is nearly
   * an option's, that one is meant.
   */
  #discriminated(
    options: readonly LooseSchema[],
    key: string,
    node: DocumentNode,
    path: readonly string[],
    keyAt: Place,
  ): unknown {
    const named = node.type === "map" ? node.entries.find((entry) => entry.key === key)?.value : undefined;
    const nameOfOption = (option: LooseSchema): unknown => option.properties?.[key]?.const;
    const meant = options.find((option) => named?.type === "scalar" && nameOfOption(option) === named.value);
    if (meant !== undefined) return this.value(meant, node, path, keyAt);
    const names = options.map((option) => String(nameOfOption(option)));
    const choice: LooseSchema = { enum: names, examples: names };
    if (named === undefined) this.#missing(key, choice, path, keyAt);
    else if (named.type !== "scalar") {
      this.#add("CONFIG_WRONG_TYPE", [...path, key], named.at, `${nameOf(named)} where one value belongs`, choice);
    } else {
      this.#scalar(choice, named.value, [...path, key], named.at);
      const near = didYouMean(String(named.value), names);
      const option = options.find((one) => nameOfOption(one) === near);
      if (option !== undefined) this.#othersOf(option, [...path, key].join("."), node, path, keyAt);
    }
    return undefined;
  }

  /** The faults of an option, less those at one path. */
  #othersOf(option: LooseSchema, except: string, node: DocumentNode, path: readonly string[], keyAt: Place): void {
    const walk = new Walk();
    walk.value(option, node, path, keyAt);
    this.faults.push(...walk.faults.filter((fault) => fault.path !== except));
  }

  #add(
    code: DocumentFaultCode,
    path: readonly string[],
    at: Place,
    message: string,
    schema: LooseSchema,
    suggestion?: string,
  ): void {
    const example = exampleOf(schema);
    const last = path.at(-1);
    this.faults.push({
      code,
      path: path.join("."),
      at,
      message: last === undefined || code === "CONFIG_UNKNOWN_KEY" ? message : `${path.join(".")}: ${message}`,
      expected: describeSchema(schema),
      ...(example === undefined ? {} : { example: last === undefined ? example : `${last}: ${example}` }),
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }
}

/** The key that every option has as a literal of its own. */
function discriminatorOf(options: readonly LooseSchema[]): string | undefined {
  return Object.keys(options[0]?.properties ?? {}).find((key) => {
    const names = options.map((option) => option.properties?.[key]?.const);
    return names.every((name) => name !== undefined) && new Set(names).size === names.length;
  });
}

/** Far off where a literal key says that another option was meant; nearer for each required key that is there. */
function likeness(option: LooseSchema, node: DocumentNode): number {
  if (node.type !== "map" || option.properties === undefined) return 0;
  let weight = 0;
  for (const { key, value } of node.entries) {
    const property = option.properties[key];
    if (property?.const !== undefined)
      weight += value.type === "scalar" && value.value === property.const ? -1000 : 1000;
    else if (property !== undefined && option.required?.includes(key) === true) weight -= 2;
  }
  return weight;
}

function isAnything(schema: LooseSchema): boolean {
  return (
    schema.type === undefined && schema.const === undefined && schema.enum === undefined && schema.anyOf === undefined
  );
}

function nameOf(node: DocumentNode): string {
  if (node.type === "map") return "named values";
  return node.type === "list" ? "a list" : show(node.value);
}

function show(value: unknown): string {
  if (value === null) return "nothing";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** A part of the document as plain data. */
export function plain(node: DocumentNode): unknown {
  if (node.type === "scalar") return node.value;
  if (node.type === "list") return node.items.map(plain);
  return Object.fromEntries(
    node.entries.filter(({ key }) => key !== "__proto__").map(({ key, value }) => [key, plain(value)]),
  );
}

function fromPlain(value: unknown, at: Place): DocumentNode {
  if (Array.isArray(value)) return { type: "list", at, items: value.map((item) => fromPlain(item, at)) };
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => ({ key, keyAt: at, value: fromPlain(item, at) }));
    return { type: "map", at, entries };
  }
  const isScalar = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return { type: "scalar", at, value: isScalar ? value : null };
}
