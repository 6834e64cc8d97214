import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { isInAreas } from "../../roster/areas.ts";
import { audit } from "../../roster/audit.ts";
import { findUnit, putUnit, readUnitTree, removeUnit } from "../../roster/units.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { preconditionOf } from "../etag.ts";
import { listQuery, registerPage } from "../register-page.ts";
import { Page, Problem } from "../schema/common.ts";
import { RegisterId, Unit, UnitLevel } from "../schema/roster.ts";

const KEEPERS = ["admin", "operator"] as const;
const Params = Type.Object({ id: RegisterId });
const UnitQuery = Type.Object({
  ...listQuery("id", "name", "level").properties,
  level: Type.Optional(UnitLevel),
  parentId: Type.Optional(RegisterId),
  /** The unit and all below it. */
  under: Type.Optional(RegisterId),
  /** Units whose areas hold this place; both together. */
  latitudeDeg: Type.Optional(Type.Number({ minimum: -90, maximum: 90 })),
  longitudeDeg: Type.Optional(Type.Number({ minimum: -180, maximum: 180 })),
  /** Those that were reorganised away, too. */
  retired: Type.Optional(Type.Boolean()),
});
const LEVEL_ORDER = { city: 0, district: 1, street: 2, community: 3, department: 4 } as const;

/** The tree of organisations. */
export function unitRoutes(instance: FastifyInstance, { desk, store, clock }: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { db } = store;
  const note = (request: FastifyRequest, action: string, target: string): Promise<void> =>
    audit(db, { actor: accountOf(request).name, action, target, address: request.ip }, clock.nowMs());

  app.get(
    "/units",
    {
      config: { access: "signed-in" },
      schema: {
        summary: "Organisations, by level, place in the tree, or the ground that they answer for",
        querystring: UnitQuery,
        response: { 200: Page(Unit), "4xx": Problem },
      },
    },
    async ({ query }) => {
      const { level, parentId, under, latitudeDeg, longitudeDeg, retired } = query;
      const tree = await readUnitTree(db);
      const below = under === undefined ? undefined : tree.subtree(under);
      const place = latitudeDeg === undefined || longitudeDeg === undefined ? undefined : { latitudeDeg, longitudeDeg };
      const found = tree.all.filter(
        (unit) =>
          (level === undefined || unit.level === level) &&
          (parentId === undefined || unit.parentId === parentId) &&
          (below === undefined || below.has(unit.id)) &&
          (place === undefined || isInAreas(place, unit.areas ?? [])) &&
          (retired === true || unit.retiredAtMs === undefined),
      );
      return registerPage(found, query, ({ id }) => id, {
        name: ({ name }) => name,
        level: (unit) => LEVEL_ORDER[unit.level],
      });
    },
  );

  app.get(
    "/units/:id",
    {
      config: { access: "signed-in" },
      schema: {
        summary: "One organisation; its ETag is what an edit names in If-Match",
        params: Params,
        response: { 200: Unit, "4xx": Problem },
      },
    },
    async ({ params }) => findUnit(db, params.id),
  );

  app.post(
    "/units",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Make or change a unit; what is left out is taken away",
        body: Unit,
        response: { 200: Unit, "4xx": Problem },
      },
    },
    async (request) => {
      await putUnit(db, request.body, preconditionOf(request));
      if (request.body.areas !== undefined) await desk.placesChanged();
      await note(request, "unit.save", request.body.id);
      return findUnit(db, request.body.id);
    },
  );

  app.delete(
    "/units/:id",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Remove a unit that nothing stands below and nothing names",
        params: Params,
        response: { 204: Type.Null(), "4xx": Problem },
      },
    },
    async (request, reply) => {
      await removeUnit(db, request.params.id, preconditionOf(request));
      await note(request, "unit.remove", request.params.id);
      return reply.code(204).send(null);
    },
  );
}
