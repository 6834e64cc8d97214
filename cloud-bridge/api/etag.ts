import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { BridgeError } from "../store/errors.ts";

/** The strong ETag of an answer: its bytes, so that one that is equal is never sent twice. */
export function etagOf(body: string): string {
  return `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
}

/** Every JSON answer to a GET carries its ETag; who has it already (`If-None-Match`) gets 304 and no body. */
export async function answerUnchanged(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
): Promise<unknown> {
  if (request.method !== "GET" || reply.statusCode !== 200 || typeof payload !== "string") return payload;
  if (!request.url.startsWith("/api/") || reply.hasHeader("etag")) return payload;
  const etag = etagOf(payload);
  reply.header("etag", etag);
  if (!names(request.headers["if-none-match"], etag)) return payload;
  reply.code(304).removeHeader("content-type").removeHeader("content-length");
  return "";
}

/**
 * What an edit presumes. `If-Match` is the ETag of the item as the client read it, `If-None-Match: *` says that there is
 * none yet; an edit that says neither presumes nothing.
 * @returns what the register asks in the transaction that changes the item
 * @throws BridgeError from there: PRECONDITION_FAILED
 */
export function preconditionOf(request: FastifyRequest): (current: object | undefined) => void {
  const { "if-match": isMatch, "if-none-match": isNone } = request.headers;
  return (current) => {
    if (isNone !== undefined && current !== undefined) throw failed("there is one already");
    if (isMatch === undefined) return;
    if (current === undefined) throw failed("it is not there any more");
    if (!names(isMatch, etagOf(JSON.stringify(current)))) throw failed("somebody changed it in the meantime");
  };
}

/** @source RFC 9110, 13.1.1 and 13.1.2 */
function names(header: string | string[] | undefined, etag: string): boolean {
  const listed = String(header ?? "").split(",");
  return listed.some((one) => one.trim() === "*" || one.trim().replace(/^W\//u, "") === etag);
}

function failed(message: string): BridgeError {
  return new BridgeError("PRECONDITION_FAILED", message, {
    status: 412,
    hint: "Read it again, look at what changed, and send your change with its new ETag.",
  });
}
