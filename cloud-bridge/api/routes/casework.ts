import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { AtMs } from "../../../protocol/ids.ts";
import { audit } from "../../roster/audit.ts";
import { BridgeError } from "../../store/errors.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { DEFAULT_PAGE } from "../cursor.ts";
import { idempotencyKey } from "../idempotency.ts";
import { listQuery, registerPage } from "../register-page.ts";
import {
  CatalogueDocument,
  CatalogueVersion,
  NewReport,
  ReportAct,
  ReportChannel,
  ReportView,
} from "../schema/casework.ts";
import { Page, Problem } from "../schema/common.ts";
import { demandOwn, foreign, ownReport, reporterOf } from "../source-access.ts";

const READERS = ["admin", "dispatcher", "supervisor", "viewer"] as const;
const TAKERS = ["admin", "dispatcher", "supervisor"] as const;
const MAX_CATALOGUE_BYTES = 4 * 1024 * 1024;
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const VersionParams = Type.Object({ name: Type.String({ maxLength: 64 }), version: Type.String({ maxLength: 64 }) });
const ReportQuery = Type.Object({
  ...listQuery("receivedAtMs").properties,
  channel: Type.Optional(ReportChannel),
  category: Type.Optional(Type.String({ maxLength: 64 })),
  /** Received from/before. */
  fromMs: Type.Optional(AtMs),
  toMs: Type.Optional(AtMs),
  source: Type.Optional(Type.String({ maxLength: 64 })),
  externalId: Type.Optional(Type.String({ maxLength: 128 })),
  caseId: Type.Optional(Type.String({ maxLength: 64 })),
  answered: Type.Optional(Type.Boolean()),
});

/** People's reports, and the tables by which they are sorted. */
export function caseworkRoutes(instance: FastifyInstance, { casework, store, clock }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();

  app.post(
    "/reports",
    {
      config: { access: [...TAKERS, "crew"], sources: true },
      schema: {
        summary: "Hand in an order, a citizen's report or a patrol's entry; once for each source and external id",
        body: NewReport,
        response: { 200: ReportView, 201: ReportView, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const account = reporterOf(request);
      if (account.role === "crew" && request.body.channel !== "patrol") {
        throw new BridgeError("REPORT_CHANNEL", `${account.name} hands in what its own patrol finds`, {
          status: 403,
          hint: "Send `channel: patrol`; orders and citizens' reports come from the desk or a hotline.",
        });
      }
      const { source, body } = request;
      const own = source === undefined ? body : await ownReport(store.db, source, body);
      const { report, isNew } = await casework.takeReport(own, account);
      return reply.code(isNew ? 201 : 200).send(report);
    },
  );

  app.get(
    "/reports",
    {
      config: { access: READERS, sources: true },
      schema: {
        summary:
          "Reports, newest first where no order is asked for; `answered=true`: those with a result that their source has not taken",
        querystring: ReportQuery,
        response: { 200: Page(ReportView), "4xx": Problem },
      },
    },
    async ({ query, scope, source }) => {
      const own = source === undefined ? {} : { source: source.source };
      return casework.listReports({ limit: DEFAULT_PAGE, ...query, ...own, scope });
    },
  );

  app.get(
    "/reports/:id",
    {
      config: { access: READERS, sources: true },
      schema: { summary: "One report and its result", params: Params, response: { 200: ReportView, "4xx": Problem } },
    },
    async ({ params, source }) => {
      const report = await casework.report(params.id);
      demandOwn(source, report);
      return report;
    },
  );

  app.post(
    "/reports/:id/acts",
    {
      config: { access: TAKERS, sources: true },
      schema: {
        summary: "Supplement, call back, take the result",
        params: Params,
        body: ReportAct,
        response: { 200: ReportView, "4xx": Problem },
      },
    },
    async (request) => {
      const { source, body, params } = request;
      if (source !== undefined) {
        demandOwn(source, await casework.report(params.id));
        // What the reporter said on the phone is the word of a person.
        if (body.act === "call-back") throw foreign(source, "a call-back");
      }
      return casework.actOnReport(params.id, body, reporterOf(request), idempotencyKey(request));
    },
  );

  app.get(
    "/catalogues",
    {
      config: { access: "signed-in" },
      schema: {
        summary: "Versions of the catalogue, the one in force marked",
        querystring: listQuery("name", "version", "inForceFromMs"),
        response: { 200: Page(CatalogueVersion), "4xx": Problem },
      },
    },
    async ({ query }) =>
      registerPage(await casework.listCatalogues(), query, ({ name, version }) => `${name} ${version}`, {
        name: ({ name }) => name,
        version: ({ version }) => version,
        inForceFromMs: ({ inForceFromMs }) => inForceFromMs,
      }),
  );

  app.get(
    "/catalogues/current",
    {
      config: { access: "signed-in" },
      schema: { summary: "The catalogue in force", response: { 200: CatalogueDocument, "4xx": Problem } },
    },
    async () => casework.currentCatalogue(),
  );

  app.get(
    "/catalogues/:name/:version",
    {
      config: { access: "signed-in" },
      schema: {
        summary: "A catalogue as cases of its time refer to it",
        params: VersionParams,
        response: { 200: CatalogueDocument, "4xx": Problem },
      },
    },
    async ({ params }) => casework.catalogue(params.name, params.version),
  );

  app.post(
    "/catalogues",
    {
      config: { access: ["admin"] },
      bodyLimit: MAX_CATALOGUE_BYTES,
      schema: {
        summary: "Load a version of the city's own tables; a version never changes",
        body: Type.Unknown(),
        response: { 201: CatalogueDocument, "4xx": Problem },
      },
    },
    async (request, reply) => {
      const account = accountOf(request);
      const catalogue = await casework.loadCatalogue(request.body, account);
      const target = `${catalogue.name} ${catalogue.version}`;
      const who = { actor: account.name, address: request.ip };
      await audit(store.db, { ...who, action: "catalogue.load", target }, clock.nowMs());
      return reply.code(201).send(catalogue);
    },
  );
}
