import { STATUS_CODES } from "node:http";
import type { FastifyError } from "fastify";
import { BridgeError } from "../store/errors.ts";
import type { Problem } from "./schema/common.ts";

export const PROBLEM_TYPE = "application/problem+json";

/** The few of Fastify's own errors that a client can cause. */
const BY_FASTIFY_CODE: Readonly<Record<string, { code: string; detail: string; hint: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: "BODY_OVERSIZED",
    detail: "the body is larger than 64 KiB",
    hint: "No act needs more; media goes through the node, not through here.",
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: "MEDIA_TYPE_REFUSED",
    detail: "the body is not application/json",
    hint: "Send JSON with `Content-Type: application/json`.",
  },
};

/** Every error as RFC 9457 with code and hint. What is not for the client's eyes becomes INTERNAL_ERROR. */
export function problemOf(error: unknown): Problem {
  if (error instanceof BridgeError) return problem(error.status, error.code, error.message, error.hint);
  const { code = "", statusCode, validation, message } = error as Partial<FastifyError>;
  if (validation !== undefined) {
    const hint = "The shape of every request stands in /openapi.json.";
    return problem(400, "REQUEST_INVALID", message ?? "the request does not fit its schema", hint);
  }
  if (isStoreFault(code, message ?? "")) {
    const hint =
      "See that the database runs and its disk has room, and see the log. Nodes keep what they have until then.";
    const said = code === "" ? (message ?? "") : code;
    return problem(503, "STORE_CANNOT_WRITE", `the database does not take it (${said})`, hint);
  }
  const known = BY_FASTIFY_CODE[code];
  if (known !== undefined) return problem(statusCode ?? 400, known.code, known.detail, known.hint);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const hint = "The shape of every request stands in /openapi.json.";
    return problem(statusCode, "REQUEST_INVALID", message ?? "the request cannot be read", hint);
  }
  return problem(
    500,
    "INTERNAL_ERROR",
    "the bridge could not do this",
    "It stands in the bridge's log with this time.",
  );
}

/** @source PostgreSQL 15 manual, appendix A: classes 08 connection, 53 resources, 57P shutdown, 25006 read-only */
function isStoreFault(code: string, message: string): boolean {
  if (/^SQLITE_(FULL|READONLY|IOERR|CORRUPT|CANTOPEN|NOTADB)/u.test(code)) return true;
  if (/^(08[0-9A-Z]{3}|53[0-9A-Z]{3}|57P[0-9A-Z]{2}|25006)$/u.test(code)) return true;
  if (/^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOENT|EHOSTUNREACH)$/u.test(code)) return true;
  return /^(Connection terminated|timeout exceeded when trying to connect)/u.test(message);
}

export function problem(status: number, code: string, detail: string, hint?: string): Problem {
  const title = STATUS_CODES[status] ?? "Error";
  return { type: "about:blank", title, status, detail, code, ...(hint === undefined ? {} : { hint }) };
}
