import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { holdsAuthority } from "../../roster/authority.ts";
import { findPerson, listPeople, putPerson } from "../../roster/people.ts";
import { within } from "../../roster/scope.ts";
import { readUnitTree } from "../../roster/units.ts";
import { auditOf } from "../audited.ts";
import type { ApiContext } from "../context.ts";
import { preconditionOf } from "../etag.ts";
import { listQuery, registerPage } from "../register-page.ts";
import { Page, Problem } from "../schema/common.ts";
import { Person, RegisterId } from "../schema/roster.ts";

const READERS = ["admin", "operator", "dispatcher", "supervisor"] as const;
const PLANNERS = ["admin", "operator", "dispatcher"] as const;
const Params = Type.Object({ id: RegisterId });
const PersonQuery = Type.Object({
  ...listQuery("id", "name", "unitId").properties,
  unitId: Type.Optional(RegisterId),
  /** People of the unit and of all below it. */
  under: Type.Optional(RegisterId),
  /** Those who may act on this category. */
  category: Type.Optional(Type.String({ maxLength: 64 })),
  /** Those who have left, too. */
  left: Type.Optional(Type.Boolean()),
});

/** People, their departments and their authority. Names and numbers of people are not for viewers. */
export function peopleRoutes(instance: FastifyInstance, context: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { db } = context.store;
  const note = auditOf(context);

  app.get(
    "/people",
    {
      config: { access: READERS },
      schema: {
        summary: "People of the units, with their authority",
        querystring: PersonQuery,
        response: { 200: Page(Person), "4xx": Problem },
      },
    },
    async ({ query, scope }) => {
      const { unitId, under, category, left } = query;
      const below = under === undefined ? undefined : (await readUnitTree(db)).subtree(under);
      const found = (await listPeople(db)).filter(
        (person) =>
          within(scope, "unitIds", person.unitId) &&
          (unitId === undefined || person.unitId === unitId) &&
          (below === undefined || below.has(person.unitId)) &&
          (category === undefined || holdsAuthority(person.authority ?? [], category)) &&
          (left === true || person.leftAtMs === undefined),
      );
      return registerPage(found, query, ({ id }) => id, {
        name: ({ name }) => name,
        unitId: (person) => person.unitId,
      });
    },
  );

  app.get(
    "/people/:id",
    {
      config: { access: READERS },
      schema: {
        summary: "One person; its ETag is what an edit names in If-Match",
        params: Params,
        response: { 200: Person, "4xx": Problem },
      },
    },
    async ({ params }) => findPerson(db, params.id),
  );

  app.post(
    "/people",
    {
      config: { access: PLANNERS },
      schema: {
        summary: "Make or change a person; what is left out is taken away, who leaves gets `leftAtMs`",
        body: Person,
        response: { 200: Person, "4xx": Problem },
      },
    },
    async (request) => {
      await putPerson(db, request.body, preconditionOf(request));
      await note(request, "person.save", request.body.id);
      return findPerson(db, request.body.id);
    },
  );
}
