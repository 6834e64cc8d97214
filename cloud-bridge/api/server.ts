import type { Socket } from "node:net";
import cookie from "@fastify/cookie";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import fastify, { type FastifyInstance, type RouteOptions } from "fastify";
import type { TSchema } from "typebox";
import { Value } from "typebox/value";
import { Scopes, WHOLE } from "../roster/scope.ts";
import { BridgeError } from "../store/errors.ts";
import { createAccessControl } from "./access-control.ts";
import { type ApiContext, type ApiOptions, DEFAULT_LIMITS } from "./context.ts";
import { answerUnchanged } from "./etag.ts";
import { EventHub } from "./event-hub.ts";
import { LatestStills } from "./latest-stills.ts";
import { LiveLeases } from "./live-leases.ts";
import { liveOrder } from "./live-order.ts";
import { LiveVideo } from "./live-video.ts";
import { PROBLEM_TYPE, problemOf } from "./problem.ts";
import { analysisRoutes } from "./routes/analysis.ts";
import { calendarRoutes } from "./routes/calendars.ts";
import { cameraRoutes } from "./routes/cameras.ts";
import { caseworkRoutes } from "./routes/casework.ts";
import { commandRoutes } from "./routes/commands.ts";

import { consoleRoutes } from "./routes/console.ts";
import { crewRoutes } from "./routes/crews.ts";
import { deskRoutes } from "./routes/desk.ts";
import { eventRoutes } from "./routes/events.ts";
import { evidenceRoutes } from "./routes/evidence.ts";
import { filingRoutes } from "./routes/filings.ts";
import { fleetRoutes } from "./routes/fleet.ts";
import { liveVideoRoutes } from "./routes/live-video.ts";
import { nodeRoutes } from "./routes/nodes.ts";
import { noticeRoutes } from "./routes/notices.ts";
import { open311Routes } from "./routes/open311.ts";
import { operationRoutes } from "./routes/operations.ts";
import { peopleRoutes } from "./routes/people.ts";
import { permitRoutes } from "./routes/permits.ts";
import { photoRoutes } from "./routes/photos.ts";
import { rosterRoutes } from "./routes/rosters.ts";
import { sessionRoutes } from "./routes/session.ts";
import { siteRoutes } from "./routes/sites.ts";
import { sourceRoutes } from "./routes/sources.ts";
import { twinRoutes } from "./routes/twins.ts";
import { unitRoutes } from "./routes/units.ts";
import { whistleRoutes } from "./routes/whistles.ts";
import { demandScope } from "./scope-guard.ts";
import { SourceAccess } from "./source-access.ts";
import { requestValidator } from "./validation.ts";

const MAX_BODY_BYTES = 64 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

/** The whole HTTP face of the bridge, not yet listening. */
export async function createApi(
  options: ApiOptions,
): Promise<{ app: FastifyInstance; hub: EventHub; leases: LiveLeases; stills: LatestStills; video: LiveVideo }> {
  const { store, clock, log, tls } = options;
  const isTls = tls !== "insecure-loopback";
  const app = fastify({
    ...(isTls ? { https: { cert: tls.cert, key: tls.key, minVersion: "TLSv1.2" as const } } : {}),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    logger: false,
    routerOptions: { maxParamLength: 128 },
  } as object) as FastifyInstance;
  const applied = options.limits ?? DEFAULT_LIMITS;

  app.setValidatorCompiler(requestValidator);
  app.setSerializerCompiler(({ schema }) => answerWriter(schema as unknown as TSchema, options.checkAnswers === true));
  // Plain text is what a form of a foreign page can send without being asked.
  app.removeContentTypeParser("text/plain");
  // Clients say what they would send also where they send nothing, e.g. with DELETE.
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeContentTypeParser("application/json");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body === "") done(null, undefined);
    else void parse(request, String(body), done);
  });
  app.decorateRequest("session", undefined);
  app.decorateRequest("source", undefined);
  // A value for each request is set before its handler.
  app.decorateRequest("scope");

  app.setErrorHandler((error, request, reply) => {
    const answer = problemOf(error);
    // Without its query: Open311 has readers show their key in it.
    const [path] = request.url.split("?");
    if (answer.status >= 500) log.error({ path, error: String(error) }, "request not answered");
    return reply.code(answer.status).type(PROBLEM_TYPE).send(JSON.stringify(answer));
  });
  app.addHook("onSend", async (_request, reply) => {
    for (const [name, value] of Object.entries(securityHeaders(isTls))) {
      if (!reply.hasHeader(name)) reply.header(name, value);
    }
  });
  app.addHook("onSend", answerUnchanged);
  app.addHook("onRoute", (route) => demandAccess(route));

  await app.register(cookie);
  await app.register(rateLimit, {
    global: true,
    max: applied.requestsPerMinute,
    timeWindow: 60_000,
    errorResponseBuilder: (_request, { after }) =>
      new BridgeError("RATE_LIMITED", "too many requests from this address", {
        status: 429,
        hint: `Try again in ${after}.`,
      }),
  });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Shao bridge", version: options.version },
      components: {
        securitySchemes: { session: { type: "apiKey", in: "cookie", name: isTls ? "__Host-shao" : "shao" } },
      },
    },
  });

  const control = createAccessControl({ db: store.db, nowMs: clock.nowMs, isTls });
  const sources = new SourceAccess(store.db, clock.nowMs);
  const scopes = new Scopes({ db: store.db, upMs: clock.upMs });
  app.addHook("onRequest", async (request, reply) => {
    request.source = await sources.of(request);
    if (request.source === undefined) await control.check(request, reply);
    request.scope = request.session === undefined ? WHOLE : await scopes.of(request.session.account);
  });
  app.addHook("preHandler", (request) => demandScope(request, store.db));
  app.addHook("onResponse", async ({ method }) => {
    if (method !== "GET") scopes.forget();
  });

  const hub = new EventHub({
    db: store.db,
    nowMs: clock.nowMs,
    log,
    scopeOf: (account) => scopes.of(account),
    ...(options.onEventWritten === undefined ? {} : { onWritten: options.onEventWritten }),
    ...(options.undelivered === undefined ? {} : { undelivered: options.undelivered }),
  });
  const leases = new LiveLeases({ nowMs: clock.nowMs, send: (client, event) => hub.live(client, event) });
  const stills = new LatestStills(clock.nowMs);
  const video = new LiveVideo({ nowMs: clock.nowMs, order: liveOrder(options), log });
  const context: ApiContext = { ...options, hub, leases, stills, video, cookieName: control.cookieName, applied };

  const typed = app.withTypeProvider<TypeBoxTypeProvider>();
  typed.get("/openapi.json", { config: { access: "anyone" }, schema: { hide: true } }, async () => app.swagger());
  const rooms = [
    sessionRoutes,
    fleetRoutes,
    nodeRoutes,
    cameraRoutes,
    liveVideoRoutes,
    commandRoutes,
    twinRoutes,
    noticeRoutes,
    deskRoutes,
    caseworkRoutes,
    whistleRoutes,
    evidenceRoutes,
    photoRoutes,
    siteRoutes,
  ];
  const roster = [calendarRoutes, permitRoutes, unitRoutes, peopleRoutes, crewRoutes, rosterRoutes, filingRoutes];
  for (const routes of [...rooms, ...roster, sourceRoutes, analysisRoutes, eventRoutes]) {
    await app.register(async (scope) => routes(scope, context), { prefix: "/api/v1" });
  }
  await app.register(async (scope) => operationRoutes(scope, context));
  await app.register(async (scope) => open311Routes(scope, context));
  await app.register(async (scope) => consoleRoutes(scope, context));

  app.addHook("onClose", async () => hub.close());
  app.addHook("preClose", async () => video.close());
  app.addHook("preClose", cutterOf(app));
  return { app, hub, leases, stills, video };
}

/** What `forceCloseConnections` does, and of connections too that have not begun TLS: the server does not know them. */
function cutterOf({ server }: FastifyInstance): () => Promise<void> {
  const connections = new Set<Socket>();
  let isClosing = false;
  server.on("connection", (socket: Socket) => {
    if (isClosing) socket.destroy();
    else connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  return async () => {
    isClosing = true;
    for (const socket of connections) socket.destroy();
  };
}

function answerWriter(schema: TSchema, isChecked: boolean): (data: unknown) => string {
  return (data) => {
    if (isChecked && !Value.Check(schema, data)) {
      const [first] = Value.Errors(schema, data);
      throw new Error(`answer does not fit its schema: ${first?.instancePath} ${first?.message}`);
    }
    return JSON.stringify(data);
  };
}

/** Default deny begins at the desk of whoever writes a route. */
function demandAccess(route: RouteOptions): void {
  if (!route.url.startsWith("/api/") || route.method === "HEAD") return;
  const name = `${String(route.method)} ${route.url}`;
  if (route.config?.access === undefined) throw new Error(`route ${name} names no access`);
  if (route.schema?.hide === true) throw new Error(`route ${name} is hidden from /openapi.json`);
}

function securityHeaders(isTls: boolean): Record<string, string> {
  return {
    "content-security-policy":
      "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(self), camera=(), microphone=()",
    "cache-control": "no-store",
    ...(isTls ? { "strict-transport-security": "max-age=31536000" } : {}),
  };
}
