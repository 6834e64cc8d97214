import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { AtMs, NodeId } from "../../../protocol/ids.ts";
import { addFiling, endFiling, findFiling, listFilings } from "../../roster/filings.ts";
import { within } from "../../roster/scope.ts";
import { listFlags } from "../../roster/supervision.ts";
import { BridgeError } from "../../store/errors.ts";
import { accountOf } from "../access-control.ts";
import { auditOf } from "../audited.ts";
import type { ApiContext } from "../context.ts";
import { once } from "../once.ts";
import { listQuery, registerPage } from "../register-page.ts";
import { Page, Problem } from "../schema/common.ts";
import { Filing, FilingView, Flag, FlagKind, RegisterId } from "../schema/roster.ts";
import { demandFilable } from "../scope-guard.ts";

const READERS = ["admin", "operator", "dispatcher", "supervisor"] as const;
const FILERS = ["admin", "operator", "dispatcher", "crew"] as const;
const DAY_MS = 24 * 3600_000;
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const FilingQuery = Type.Object({
  ...listQuery("fromMs", "toMs", "crewId", "vehicleNode").properties,
  crewId: Type.Optional(RegisterId),
  vehicleNode: Type.Optional(NodeId),
  radioIssi: Type.Optional(Type.String({ pattern: "^[0-9]{1,8}$" })),
  personId: Type.Optional(RegisterId),
  /** Only what holds now: who sits in which car with which radio. */
  current: Type.Optional(Type.Boolean()),
  /** Filings at some time in between; from 30 days ago where left out. */
  fromMs: Type.Optional(AtMs),
  toMs: Type.Optional(AtMs),
});
const FlagQuery = Type.Object({
  ...listQuery("sinceMs", "crewId", "kind").properties,
  open: Type.Optional(Type.Boolean()),
  crewId: Type.Optional(RegisterId),
  kind: Type.Optional(FlagKind),
  /** Flags that stood at some time in between; from 30 days ago where left out. */
  fromMs: Type.Optional(AtMs),
  toMs: Type.Optional(AtMs),
});

/** Duty filing (勤务报备) and its supervision (监察). */
export function filingRoutes(instance: FastifyInstance, context: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { store, clock } = context;
  const { db } = store;
  const note = auditOf(context);

  app.get(
    "/filings",
    {
      config: { access: [...READERS, "crew"] },
      schema: {
        summary: "Duty filings: who goes out in which car with which radio; a crew gets its own",
        querystring: FilingQuery,
        response: { 200: Page(FilingView), "4xx": Problem },
      },
    },
    async (request) => {
      const { query } = request;
      const nowMs = clock.nowMs();
      const span = query.current === true ? { fromMs: nowMs, toMs: nowMs + 1 } : { fromMs: nowMs - 30 * DAY_MS };
      const { crewId, vehicleNode, radioIssi, personId, fromMs = span.fromMs, toMs = span.toMs } = query;
      const found = await listFilings(db, {
        fromMs,
        ...(toMs === undefined ? {} : { toMs }),
        ...(crewId === undefined ? {} : { crewId }),
        ...(vehicleNode === undefined ? {} : { vehicleNode }),
        ...(radioIssi === undefined ? {} : { radioIssi }),
        ...(personId === undefined ? {} : { personId }),
      });
      const own = found.filter(({ crewId }) => isOwn(request, crewId) && within(request.scope, "crewIds", crewId));
      return registerPage(own, { sort: "fromMs", ...query }, ({ id }) => id, {
        fromMs: (filing) => filing.fromMs,
        toMs: (filing) => filing.toMs,
        crewId: (filing) => filing.crewId,
        vehicleNode: (filing) => filing.vehicleNode,
      });
    },
  );

  app.get(
    "/filings/:id",
    {
      config: { access: [...READERS, "crew"] },
      schema: { summary: "One filing", params: Params, response: { 200: FilingView, "4xx": Problem } },
    },
    async (request) => {
      const filing = await findFiling(db, request.params.id);
      demandOwn(request, filing.crewId);
      return filing;
    },
  );

  app.post(
    "/filings",
    {
      config: { access: FILERS },
      schema: {
        summary: "File people, car and radios of a crew for a shift; with an Idempotency-Key once",
        body: Filing,
        response: { 201: FilingView, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const { body } = request;
      demandOwn(request, body.crewId);
      await demandFilable(request, body, db);
      const { name } = accountOf(request);
      const filing = await once(request, { db, clock }, (trx, nowMs) => addFiling(trx, body, name, nowMs));
      await note(request, "filing.add", filing.id, { crewId: filing.crewId });
      return reply.code(201).send(filing);
    },
  );

  app.post(
    "/filings/:id/end",
    {
      config: { access: FILERS },
      schema: {
        summary: "End a filing now",
        params: Params,
        response: { 200: FilingView, "4xx": Problem },
      },
    },
    async (request) => {
      const { id } = request.params;
      demandOwn(request, (await findFiling(db, id)).crewId);
      const { name } = accountOf(request);
      const filing = await once(request, { db, clock }, (trx, nowMs) => endFiling(trx, id, name, nowMs));
      await note(request, "filing.end", id, { crewId: filing.crewId });
      return filing;
    },
  );

  app.get(
    "/supervision",
    {
      config: { access: READERS },
      schema: {
        summary: "Supervision: filed on duty but without a fresh fix, or outside the area",
        querystring: FlagQuery,
        response: { 200: Page(Flag), "4xx": Problem },
      },
    },
    async ({ query, scope }) => {
      const { open, crewId, kind, fromMs = clock.nowMs() - 30 * DAY_MS, toMs } = query;
      const flags = await listFlags(db, {
        fromMs,
        ...(toMs === undefined ? {} : { toMs }),
        ...(open === undefined ? {} : { open }),
        ...(crewId === undefined ? {} : { crewId }),
        ...(kind === undefined ? {} : { kind }),
      });
      const found = flags.filter((flag) => within(scope, "crewIds", flag.crewId));
      return registerPage(found, { sort: "-sinceMs", ...query }, ({ id }) => String(id).padStart(16, "0"), {
        sinceMs: (flag) => flag.sinceMs,
        crewId: (flag) => flag.crewId,
        kind: (flag) => flag.kind,
      });
    },
  );
}

/** An account of role crew files and sees its own crew alone. */
function isOwn(request: FastifyRequest, crewId: string): boolean {
  const account = accountOf(request);
  return account.role !== "crew" || account.crewId === crewId;
}

function demandOwn(request: FastifyRequest, crewId: string): void {
  if (isOwn(request, crewId)) return;
  throw new BridgeError("CREW_FOREIGN", `${accountOf(request).name} does not act for crew ${crewId}`, {
    status: 403,
    hint: "An account of role crew acts for the crew that it was made for.",
  });
}
