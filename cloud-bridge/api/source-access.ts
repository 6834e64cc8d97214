import type { FastifyRequest } from "fastify";
import type { AccountFacts } from "../roster/accounts.ts";
import { findSource, type SourceFacts } from "../roster/source-tokens.ts";
import { readUnitTree } from "../roster/units.ts";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";
import type { NewReport, ReportView } from "./schema/casework.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Another system with a token of its own may call this route, too. */
    sources?: true;
  }
  interface FastifyRequest {
    source: SourceFacts | undefined;
  }
}

const MINUTE_MS = 60_000;
const BEARER = /^Bearer ([A-Za-z0-9_-]{16,128})$/u;

/** Who reports by a token: only on the routes that are for it, so often a minute as its token says, at each process. */
export class SourceAccess {
  readonly #db: Db;
  readonly #nowMs: () => number;
  readonly #spent = new Map<string, { readonly minute: number; count: number }>();

  constructor(db: Db, nowMs: () => number) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  /**
   * @returns undefined where the request shows no token, or the route is not for any
   * @throws BridgeError SOURCE_REFUSED, RATE_LIMITED
   */
  async of(request: FastifyRequest): Promise<SourceFacts | undefined> {
    if (request.routeOptions.config.sources !== true || request.headers.authorization === undefined) return undefined;
    const [, token = ""] = BEARER.exec(request.headers.authorization) ?? [];
    const source = await findSource(this.#db, token, this.#nowMs());
    if (source === undefined) {
      throw new BridgeError("SOURCE_REFUSED", "this token is unknown, revoked or over", {
        status: 401,
        hint: "An administrator makes a new one: `shao source add`.",
      });
    }
    const minute = Math.floor(this.#nowMs() / MINUTE_MS);
    const known = this.#spent.get(source.id);
    const spent = known?.minute === minute ? known : { minute, count: 0 };
    this.#spent.set(source.id, spent);
    spent.count += 1;
    if (spent.count <= source.perMinute) return source;
    throw new BridgeError("RATE_LIMITED", `${source.name} has reported ${source.perMinute} times in this minute`, {
      status: 429,
      hint: "Wait for the next minute, or ask for a token with a higher rate.",
    });
  }
}

/** The account, or what stands in the timeline for a system that reports by a token. */
export function reporterOf(request: FastifyRequest): AccountFacts {
  if (request.session !== undefined) return request.session.account;
  const { source } = request;
  if (source === undefined) throw new Error("the route let in somebody without a session or a token");
  const { id, name, unitId } = source;
  return {
    id: `source:${id}`,
    name: `source:${name}`,
    role: "dispatcher",
    ...(unitId === undefined ? {} : { unitId }),
  };
}

/**
 * What a token may report: of its own source, by its own channels, for its unit or one below.
 * @throws BridgeError SOURCE_FOREIGN
 */
export async function ownReport(db: Db, source: SourceFacts, report: NewReport): Promise<NewReport> {
  if (report.source !== source.source) throw foreign(source, `the source ${report.source}`);
  if (!source.channels.includes(report.channel)) throw foreign(source, `the channel ${report.channel}`);
  const { unitId } = source;
  if (unitId === undefined) return report;
  if (report.unitId === undefined) return { ...report, unitId };
  const isBelow = (await readUnitTree(db)).subtree(unitId).has(report.unitId);
  if (isBelow) return report;
  throw foreign(source, `the unit ${report.unitId}`);
}

/** @throws BridgeError SOURCE_FOREIGN */
export function demandOwn(source: SourceFacts | undefined, report: Pick<ReportView, "source" | "id">): void {
  if (source !== undefined && report.source !== source.source) throw foreign(source, `report ${report.id}`);
}

/** @throws BridgeError SOURCE_FOREIGN */
export function foreign({ name, source }: SourceFacts, what: string): BridgeError {
  return new BridgeError("SOURCE_FOREIGN", `${name} reports for ${source}: ${what} is not its own`, {
    status: 403,
    hint: "A token is for one source, its channels, and its unit; an administrator makes another for the rest.",
  });
}
