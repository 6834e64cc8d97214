import type { FastifySchema, FastifySchemaCompiler } from "fastify";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { Value } from "typebox/value";

/** Checks requests with TypeBox. Only what travels as text (path, query) is converted; a body is what it is. */
export const requestValidator: FastifySchemaCompiler<FastifySchema> = ({ schema, httpPart }) => {
  // Every route gives TypeBox schemas; a test goes through all of them.
  const typed = schema as TSchema;
  const validator = Compile(typed);
  const isText = httpPart === "querystring" || httpPart === "params";
  return (given: unknown) => {
    const value: unknown = isText ? Value.Convert(typed, given) : given;
    if (validator.Check(value)) return { value };
    const [first] = validator.Errors(value);
    const where = first?.instancePath.replaceAll("/", ".") ?? "";
    return { error: new Error(`${httpPart ?? "request"}${where}: ${first?.message ?? "does not fit its schema"}`) };
  };
};
