import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply } from "fastify";
import { type Static, Type } from "typebox";
import type { ByteRange } from "../../evidence/blob-files.ts";
import { type PreparedBundle, prepareBundle } from "../../evidence/bundle-write.ts";
import { caseOfEvidence, loadEvidence, openPart } from "../../evidence/evidence-views.ts";
import { BridgeError } from "../../store/errors.ts";
import type { ApiContext } from "../context.ts";
import { Problem } from "../schema/common.ts";
import type { CaseDetail } from "../schema/desk.ts";
import { type Viewer, viewerOf } from "../scope-guard.ts";

const READERS = ["admin", "dispatcher", "supervisor", "viewer"] as const;
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const PartParams = Type.Object({ id: Type.String({ maxLength: 64 }), part: Type.String({ maxLength: 64 }) });

/** What proves something, as bytes. A crew gets at that of its own cases. */
export function evidenceRoutes(app: FastifyInstance, context: ApiContext): void {
  const { store, desk, authority, clock, evidenceFiles } = context;

  app.get<{ Params: Static<typeof PartParams> }>(
    "/evidence/:id/parts/:part",
    {
      config: { access: [...READERS, "crew"] },
      schema: {
        summary: "The bytes of one stored part; the ETag is its SHA-256",
        params: PartParams,
        response: { "4xx": Problem },
      },
    },
    async (request, reply) => {
      const row = await loadEvidence(store.db, request.params.id);
      await demandCase(row.evidence_id, await caseOfEvidence(store.db, row), viewerOf(request));
      const { range: asked } = request.headers;
      const part = await openPart(store.db, evidenceFiles, row, request.params.part, (sizeBytes) =>
        rangeOf(asked, sizeBytes),
      );
      const etag = `"${part.sha256}"`;
      // It can never change: what has this name has this content.
      reply.header("etag", etag).header("cache-control", "private, max-age=31536000, immutable");
      if (request.headers["if-none-match"] === etag) {
        if (part.bytes instanceof Readable) part.bytes.destroy();
        return reply.code(304).send();
      }
      const { from, to } = part.range ?? { from: 0, to: part.sizeBytes };
      if (part.range !== undefined) {
        reply.code(206).header("content-range", `bytes ${from}-${to - 1}/${part.sizeBytes}`);
      }
      reply.header("content-length", to - from).header("accept-ranges", "bytes");
      reply.header("content-security-policy", "sandbox; default-src 'none'");
      return reply.type(part.media).send(Readable.from(part.bytes));
    },
  );

  app.get<{ Params: Static<typeof Params> }>(
    "/evidence/:id/bundle",
    {
      config: { access: READERS },
      schema: {
        summary: "One evidence as a bundle that `shao evidence verify` checks offline",
        params: Params,
        response: { "4xx": Problem },
      },
    },
    async (request, reply) => {
      const row = await loadEvidence(store.db, request.params.id);
      return sendBundle(reply, await prepare(row.evidence_id));
    },
  );

  app.get<{ Params: Static<typeof Params> }>(
    "/cases/:id/evidence-bundle",
    {
      config: { access: READERS },
      schema: { summary: "All evidence of a case as one bundle", params: Params, response: { "4xx": Problem } },
    },
    async (request, reply) => {
      const caseFile = await desk.caseDetail(request.params.id, viewerOf(request));
      return sendBundle(reply, await prepare(request.params.id, caseFile));
    },
  );

  function prepare(of: string, caseFile?: CaseDetail): Promise<PreparedBundle> {
    const { db, bridge } = store;
    const options = { db, bridge, files: evidenceFiles, authority, nowMs: clock.nowMs() };
    return prepareBundle(of, caseFile === undefined ? options : { ...options, caseFile });
  }

  /** The desk says whether this account may see the case. */
  async function demandCase(evidenceId: string, caseId: string | undefined, account: Viewer): Promise<void> {
    if (caseId !== undefined) {
      await desk.caseDetail(caseId, account);
      return;
    }
    if (account.role !== "crew") return;
    throw new BridgeError("CASE_FOREIGN", `${account.name} has no part in the case of evidence ${evidenceId}`, {
      status: 403,
      hint: "A crew sees the cases that it was sent to.",
    });
  }
}

/** One range, so that a player may jump in a clip; whatever else is asked for is answered with all. @source RFC 9110, 14.2 */
function rangeOf(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const from = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const to = first === "" || last === "" ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  return from < to ? { from, to } : undefined;
}

function sendBundle(reply: FastifyReply, { name, sizeBytes, bytes }: PreparedBundle): FastifyReply {
  reply.header("content-disposition", `attachment; filename="${name}"`).header("content-length", sizeBytes);
  return reply.type("application/x-tar").send(Readable.from(bytes()));
}
