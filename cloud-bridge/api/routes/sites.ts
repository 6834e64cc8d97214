import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import { NodeId } from "../../../protocol/ids.ts";
import { bindTo } from "../../fleet/bindings.ts";
import { findSite, listDevices, listSites, saveSite } from "../../fleet/sites.ts";
import { within } from "../../roster/scope.ts";
import { auditOf } from "../audited.ts";
import type { ApiContext } from "../context.ts";
import { preconditionOf } from "../etag.ts";
import { listQuery, registerPage } from "../register-page.ts";
import { Page, Problem } from "../schema/common.ts";
import { DeviceView, NewBinding, Site } from "../schema/fleet.ts";
import { RegisterId } from "../schema/roster.ts";

const EVERYONE_BUT_CREW = ["admin", "operator", "dispatcher", "supervisor", "viewer"] as const;
const KEEPERS = ["admin", "operator"] as const;
const Params = Type.Object({ id: RegisterId });
const SiteQuery = Type.Object({
  ...listQuery("id", "name", "unitId").properties,
  unitId: Type.Optional(RegisterId),
});
const DeviceQuery = Type.Object({
  ...listQuery("node", "device", "driver", "siteId", "fromMs").properties,
  node: Type.Optional(NodeId),
  siteId: Type.Optional(RegisterId),
  /** Bindings that hold now, or ended ones. */
  bound: Type.Optional(Type.Boolean()),
});

/** Sites, and the devices that are or were bound to them. */
export function siteRoutes(instance: FastifyInstance, context: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { desk, store, clock } = context;
  const { db } = store;
  const note = auditOf(context);

  app.get(
    "/sites",
    {
      config: { access: "signed-in" },
      schema: { summary: "All sites", querystring: SiteQuery, response: { 200: Page(Site), "4xx": Problem } },
    },
    async ({ query, scope }) => {
      const found = (await listSites(db)).filter(
        (site) => within(scope, "siteIds", site.id) && (query.unitId === undefined || site.unitId === query.unitId),
      );
      return registerPage(found, query, ({ id }) => id, { name: ({ name }) => name, unitId: ({ unitId }) => unitId });
    },
  );

  app.get(
    "/sites/:id",
    {
      config: { access: "signed-in" },
      schema: {
        summary: "One site; its ETag is what an edit names in If-Match",
        params: Params,
        response: { 200: Site, "4xx": Problem },
      },
    },
    async ({ params }) => findSite(db, params.id),
  );

  app.post(
    "/sites",
    {
      config: { access: KEEPERS },
      schema: { summary: "Make or change a site", body: Site, response: { 200: Site, "4xx": Problem } },
    },
    async (request) => {
      await saveSite(db, request.body, clock.nowMs(), preconditionOf(request));
      await desk.placesChanged(request.body.id);
      await note(request, "site.save", request.body.id);
      return findSite(db, request.body.id);
    },
  );

  app.post(
    "/bindings",
    {
      config: { access: KEEPERS },
      schema: {
        summary: "Bind a device, or a box with all that it has, to a site from a time on",
        body: NewBinding,
        response: { 200: Page(DeviceView), "4xx": Problem },
      },
    },
    async (request) => {
      const { node, device, siteId, fromMs = clock.nowMs() } = request.body;
      await bindTo(db, { node, siteId, fromMs, ...(device === undefined ? {} : { device }) }, clock.nowMs());
      await desk.placesChanged(siteId);
      await note(request, "binding.save", node, { siteId, fromMs, ...(device === undefined ? {} : { device }) });
      const found = (await listDevices(db)).filter((one) => one.node === node);
      return { items: found };
    },
  );

  app.get(
    "/devices",
    {
      config: { access: EVERYONE_BUT_CREW },
      schema: {
        summary: "Devices and the sites that they are bound to",
        querystring: DeviceQuery,
        response: { 200: Page(DeviceView), "4xx": Problem },
      },
    },
    async ({ query, scope }) => {
      const { node, siteId, bound } = query;
      const found = (await listDevices(db)).filter(
        (device) =>
          (device.siteId === undefined
            ? within(scope, "nodeIds", device.node)
            : within(scope, "siteIds", device.siteId)) &&
          (node === undefined || device.node === node) &&
          (siteId === undefined || device.siteId === siteId) &&
          (bound === undefined || (device.siteId !== undefined && device.toMs === undefined) === bound),
      );
      return registerPage(found, query, (one) => `${one.node}/${one.device}/${one.fromMs}`, {
        node: (one) => one.node,
        device: ({ device }) => device,
        driver: ({ driver }) => driver,
        siteId: (one) => one.siteId,
        fromMs: ({ fromMs }) => fromMs,
      });
    },
  );
}
