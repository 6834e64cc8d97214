import { timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { open311Requests, open311Services } from "../../dispatch/open311-views.ts";
import type { ApiContext } from "../context.ts";

const DAY_MS = 86_400_000;
const MOST = 1000;
const MOST_IDS = 200;

class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Query = Readonly<Record<string, string | undefined>>;

/**
 * Open311 GeoReport v2, for reading: services, requests, one request; JSON and XML. Not there unless the config offers it.
 * @source wiki.open311.org/GeoReport_v2
 */
export function open311Routes(app: FastifyInstance, { store, clock, open311 }: ApiContext): void {
  if (open311 === undefined) return;
  const { jurisdictionId, key, maxDays } = open311;

  const offer = (
    path: string,
    wrap: readonly [string, string],
    answer: (request: FastifyRequest) => Promise<object[]>,
  ) => {
    for (const form of ["json", "xml"] as const) {
      app.get(
        `/open311/v2${path}.${form}`,
        { config: { access: "anyone" }, schema: { hide: true } },
        (request, reply) => handle(request, reply, form, wrap, answer),
      );
    }
  };

  async function handle(
    request: FastifyRequest,
    reply: FastifyReply,
    form: "json" | "xml",
    wrap: readonly [string, string],
    answer: (request: FastifyRequest) => Promise<object[]>,
  ): Promise<FastifyReply> {
    try {
      admit(queryOf(request));
      return send(reply, 200, form, wrap, await answer(request));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { status, message } = error;
      return send(reply, status, form, ["errors", "error"], [{ code: status, description: message }]);
    }
  }

  function admit({ jurisdiction_id: asked, api_key: shown }: Query): void {
    if (asked !== undefined && asked !== jurisdictionId) throw new Refused(404, "jurisdiction_id was not found");
    if (key === undefined) return;
    const [given, own] = [Buffer.from(shown ?? ""), Buffer.from(key)];
    if (given.length !== own.length || !timingSafeEqual(given, own))
      throw new Refused(403, "api_key is missing or wrong");
  }

  offer("/services", ["services", "service"], async () => [...(await open311Services(store.db, clock.nowMs()))]);

  offer("/services/:code", ["service_definition", "attribute"], async (request) => {
    const { code } = request.params as { code: string };
    const services = (await open311Services(store.db, clock.nowMs())) as { service_code: string }[];
    if (!services.some(({ service_code }) => service_code === code))
      throw new Refused(404, "service_code was not found");
    return [];
  });

  offer("/requests", ["service_requests", "request"], async (request) => {
    const query = queryOf(request);
    const nowMs = clock.nowMs();
    const { service_request_id: ids, service_code: codes, status, start_date: start, end_date: end } = query;
    const toMs = end === undefined ? nowMs : dateOf(end, "end_date");
    const fromMs = start === undefined ? toMs - maxDays * DAY_MS : dateOf(start, "start_date");
    if (toMs - fromMs > maxDays * DAY_MS)
      throw new Refused(400, `start_date and end_date lie more than ${maxDays} days apart`);
    const statuses = new Set(status?.split(","));
    const known = [...statuses].filter((name) => name === "open" || name === "closed");
    if (known.length < statuses.size) throw new Refused(400, "status is open, closed or both");
    const [only] = known;
    const found = await open311Requests(
      store.db,
      {
        ...{ fromMs, toMs, limit: MOST },
        ...(ids === undefined ? {} : { ids: ids.split(",").slice(0, MOST_IDS).map(numberOf) }),
        ...(codes === undefined ? {} : { serviceCodes: codes.split(",") }),
        ...(known.length === 1 && only !== undefined ? { status: only } : {}),
      },
      nowMs,
    );
    return [...found];
  });

  offer("/requests/:id", ["service_requests", "request"], async (request) => {
    const { id } = request.params as { id: string };
    const query = { ids: [numberOf(id)], fromMs: 0, toMs: 0, limit: 1 };
    const found = await open311Requests(store.db, query, clock.nowMs());
    if (found.length === 0) throw new Refused(404, "service_request_id was not found");
    return [...found];
  });
}

/** What is asked for twice is a list, as the standard has lists. */
function queryOf({ query }: FastifyRequest): Query {
  return Object.fromEntries(Object.entries(query as object).map(([name, value]) => [name, String(value)]));
}

function numberOf(text: string): number {
  if (/^[0-9]{1,12}$/u.test(text)) return Number(text);
  throw new Refused(400, "service_request_id is a number");
}

function dateOf(text: string, name: string): number {
  const atMs = /^\d{4}-\d\d-\d\dT/u.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(atMs)) return atMs;
  throw new Refused(400, `${name} is a date as 2026-11-21T22:00:00Z`);
}

function send(
  reply: FastifyReply,
  status: number,
  form: "json" | "xml",
  [outer, inner]: readonly [string, string],
  items: object[],
): FastifyReply {
  if (form === "json") return reply.code(status).type("application/json; charset=utf-8").send(JSON.stringify(items));
  const members = (item: object) =>
    Object.entries(item)
      .map(([name, value]) => `<${name}>${value === null ? "" : escaped(String(value))}</${name}>`)
      .join("");
  const body = items.map((item) => `<${inner}>${members(item)}</${inner}>`).join("");
  return reply
    .code(status)
    .type("text/xml; charset=utf-8")
    .send(`<?xml version="1.0" encoding="utf-8"?>\n<${outer}>${body}</${outer}>\n`);
}

function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
