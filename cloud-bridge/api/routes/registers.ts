import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { AtMs } from "../../../protocol/ids.ts";
import { audit } from "../../roster/audit.ts";
import { BridgeError } from "../../store/errors.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { DEFAULT_PAGE, decodeCursor, pageOf } from "../cursor.ts";
import { GeoPoint, Page, PageQuery, Problem } from "../schema/common.ts";
import { DeviceView, Site } from "../schema/fleet.ts";
import { Crew, CrewView, Duty, DutyView } from "../schema/roster.ts";

const EVERYONE_BUT_CREW = ["admin", "operator", "dispatcher", "supervisor", "viewer"] as const;
const PLANNERS = ["admin", "operator", "dispatcher"] as const;
const KEEPERS = ["admin", "operator"] as const;
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });
const Position = Type.Object({ ...GeoPoint.properties, atMs: Type.Optional(AtMs) });

/** Sites, devices, crews and duties: small registers, listed whole and cut into pages. */
export function registerRoutes(instance: FastifyInstance, { desk, store, clock }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const note = (request: FastifyRequest, action: string, target: string): Promise<void> =>
    audit(store.db, { actor: accountOf(request).name, action, target, address: request.ip }, clock.nowMs());

  app.get(
    "/sites",
    {
      config: { access: "signed-in" },
      schema: { summary: "All sites", querystring: PageQuery, response: { 200: Page(Site), "4xx": Problem } },
    },
    async ({ query }) => pageByKey(await desk.listSites(), query, ({ id }) => id),
  );
  app.post(
    "/sites",
    {
      config: { access: KEEPERS },
      schema: { summary: "Make or change a site", body: Site, response: { 200: Site, "4xx": Problem } },
    },
    async (request) => {
      await desk.saveSite(request.body);
      await note(request, "site.save", request.body.id);
      return request.body;
    },
  );

  app.get(
    "/devices",
    {
      config: { access: EVERYONE_BUT_CREW },
      schema: {
        summary: "Devices and the sites that they are bound to",
        querystring: PageQuery,
        response: { 200: Page(DeviceView), "4xx": Problem },
      },
    },
    async ({ query }) =>
      pageByKey(await desk.listDevices(), query, ({ node, device, fromMs }) => `${node}/${device}/${fromMs}`),
  );

  app.get(
    "/crews",
    {
      config: { access: "signed-in" },
      schema: {
        summary: "Crews with duty, position and assignment; a crew gets itself",
        querystring: PageQuery,
        response: { 200: Page(CrewView), "4xx": Problem },
      },
    },
    async (request) => pageByKey(await desk.listCrews(accountOf(request)), request.query, ({ id }) => id),
  );
  app.post(
    "/crews",
    {
      config: { access: PLANNERS },
      schema: { summary: "Make or change a crew", body: Crew, response: { 200: Crew, "4xx": Problem } },
    },
    async (request) => {
      await desk.saveCrew(request.body);
      await note(request, "crew.save", request.body.id);
      return request.body;
    },
  );
  app.post(
    "/crews/:id/position",
    {
      config: { access: ["crew"] },
      schema: {
        summary: "A phone's position, from the crew's own page",
        params: Params,
        body: Position,
        response: { 204: Type.Null(), "4xx": Problem },
      },
    },
    async (request, reply) => {
      const { crewId, name } = accountOf(request);
      if (crewId !== request.params.id) {
        throw new BridgeError("CREW_FOREIGN", `${name} does not act for crew ${request.params.id}`, {
          status: 403,
          hint: "An account of role crew acts for the crew that it was made for.",
        });
      }
      const { atMs = clock.nowMs(), ...position } = request.body;
      await desk.reportPosition(crewId, { ...position, atMs });
      return reply.code(204).send(null);
    },
  );

  app.get(
    "/rosters",
    {
      config: { access: EVERYONE_BUT_CREW },
      schema: { summary: "Duties", querystring: PageQuery, response: { 200: Page(DutyView), "4xx": Problem } },
    },
    async ({ query }) => pageByKey(await desk.listDuties(), query, ({ id }) => id),
  );
  app.post(
    "/rosters",
    {
      config: { access: PLANNERS },
      schema: { summary: "Put a crew on duty, from/to", body: Duty, response: { 201: DutyView, "4xx": Problem } },
    },
    async (request, reply) => {
      const duty = await desk.addDuty(request.body);
      await note(request, "duty.add", duty.crewId);
      return reply.code(201).send(duty);
    },
  );
  app.delete(
    "/rosters/:id",
    {
      config: { access: PLANNERS },
      schema: { summary: "Take a duty back", params: Params, response: { 204: Type.Null(), "4xx": Problem } },
    },
    async (request, reply) => {
      await desk.removeDuty(request.params.id);
      await note(request, "duty.remove", request.params.id);
      return reply.code(204).send(null);
    },
  );
}

function pageByKey<T>(
  items: readonly T[],
  { cursor, limit = DEFAULT_PAGE }: { cursor?: string; limit?: number },
  keyOf: (item: T) => string,
): { items: T[]; next?: string } {
  const after = decodeCursor(cursor);
  const inOrder = items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const rest = after === undefined ? inOrder : inOrder.filter((item) => keyOf(item) > after);
  return pageOf(rest.slice(0, limit + 1), limit, keyOf);
}
