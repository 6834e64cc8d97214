import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { AtMs } from "../../../protocol/ids.ts";
import { findCrew, putCrew, removeCrew } from "../../roster/crews.ts";
import { readUnitTree } from "../../roster/units.ts";
import { BridgeError } from "../../store/errors.ts";
import { accountOf } from "../access-control.ts";
import { auditOf } from "../audited.ts";
import type { ApiContext } from "../context.ts";
import { preconditionOf } from "../etag.ts";
import { listQuery, registerPage } from "../register-page.ts";
import { GeoPoint, Page, Problem } from "../schema/common.ts";
import { Crew, CrewView, RegisterId } from "../schema/roster.ts";
import { viewerOf } from "../scope-guard.ts";

const PLANNERS = ["admin", "operator", "dispatcher"] as const;
const Params = Type.Object({ id: RegisterId });
const Position = Type.Object({ ...GeoPoint.properties, atMs: Type.Optional(AtMs) });
const CrewQuery = Type.Object({
  ...listQuery("id", "name", "unitId").properties,
  unitId: Type.Optional(RegisterId),
  /** Crews of the unit and of all below it. */
  under: Type.Optional(RegisterId),
  onDuty: Type.Optional(Type.Boolean()),
  /** With a filing that holds now, or without. */
  filed: Type.Optional(Type.Boolean()),
  /** With supervision that stands now, or without. */
  flagged: Type.Optional(Type.Boolean()),
  skill: Type.Optional(Type.String({ maxLength: 64 })),
});

/** Crews: what they are, where they are, what they do. */
export function crewRoutes(instance: FastifyInstance, context: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { desk, store, clock } = context;
  const { db } = store;
  const note = auditOf(context);

  app.get(
    "/crews",
    {
      config: { access: "signed-in" },
      schema: {
        summary: "Crews with duty, filing, position and assignment; a crew gets itself",
        querystring: CrewQuery,
        response: { 200: Page(CrewView), "4xx": Problem },
      },
    },
    async (request) => {
      const { unitId, under, onDuty, filed, flagged, skill } = request.query;
      const below = under === undefined ? undefined : (await readUnitTree(db)).subtree(under);
      const found = (await desk.listCrews(viewerOf(request))).filter(
        (crew) =>
          (unitId === undefined || crew.unitId === unitId) &&
          (below === undefined || below.has(crew.unitId)) &&
          (onDuty === undefined || crew.onDuty === onDuty) &&
          (filed === undefined || (crew.filing !== undefined) === filed) &&
          (flagged === undefined || (crew.flags !== undefined) === flagged) &&
          (skill === undefined || crew.skills?.includes(skill) === true),
      );
      return registerPage(found, request.query, ({ id }) => id, {
        name: ({ name }) => name,
        unitId: (crew) => crew.unitId,
      });
    },
  );

  app.get(
    "/crews/:id",
    {
      config: { access: ["admin", "operator", "dispatcher", "supervisor", "viewer"] },
      schema: {
        summary: "One crew as it was entered; its ETag is what an edit names in If-Match",
        params: Params,
        response: { 200: Crew, "4xx": Problem },
      },
    },
    async ({ params }) => findCrew(db, params.id),
  );

  app.post(
    "/crews",
    {
      config: { access: PLANNERS },
      schema: {
        summary: "Make or change a crew; what it is doing stays, what is left out is taken away",
        body: Crew,
        response: { 200: Crew, "4xx": Problem },
      },
    },
    async (request) => {
      await putCrew(db, request.body, preconditionOf(request));
      await note(request, "crew.save", request.body.id);
      return findCrew(db, request.body.id);
    },
  );

  app.delete(
    "/crews/:id",
    {
      config: { access: PLANNERS },
      schema: {
        summary: "Remove a crew that never did anything",
        params: Params,
        response: { 204: Type.Null(), "4xx": Problem },
      },
    },
    async (request, reply) => {
      await removeCrew(db, request.params.id, preconditionOf(request));
      await note(request, "crew.remove", request.params.id);
      return reply.code(204).send(null);
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
}
