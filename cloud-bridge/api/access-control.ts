import type { FastifyReply, FastifyRequest } from "fastify";
import type { AccountFacts, AccountRole } from "../roster/accounts.ts";
import { findSession, isSameToken, type OpenSession } from "../roster/sessions.ts";
import type { Db } from "../store/database.ts";
import { BridgeError } from "../store/errors.ts";

/** Who may call a route. Every route under /api says so; one that does not is refused when the server is built. */
export type RouteAccess = "anyone" | "signed-in" | readonly AccountRole[];

declare module "fastify" {
  interface FastifyContextConfig {
    access?: RouteAccess;
  }
  interface FastifyRequest {
    session: OpenSession | undefined;
  }
}

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

export interface AccessControl {
  readonly cookieName: string;
  /** Before every handler: who is it, may they, and did their own page ask? */
  check(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

export function createAccessControl({
  db,
  nowMs,
  isTls,
}: {
  db: Db;
  nowMs: () => number;
  isTls: boolean;
}): AccessControl {
  // `__Host-` binds the cookie to this host and to TLS; without TLS (tests on loopback) browsers refuse that prefix.
  const cookieName = isTls ? "__Host-shao" : "shao";
  return {
    cookieName,
    async check(request, reply) {
      const access = request.routeOptions.config.access;
      const secret = request.cookies[cookieName];
      request.session = secret === undefined ? undefined : await findSession(db, secret, nowMs());
      if (access === undefined) return;
      if (!SAFE_METHODS.has(request.method)) refuseForeignPage(request, isTls);
      if (access === "anyone") return;
      if (request.session === undefined) {
        reply.header("www-authenticate", "Session");
        throw new BridgeError("SIGNED_OUT", "nobody is signed in", {
          status: 401,
          hint: "Sign in at the console, or with POST /api/v1/session.",
        });
      }
      if (access === "signed-in") return;
      const { role, name } = request.session.account;
      if (!access.includes(role)) {
        throw new BridgeError("ROLE_REFUSED", `${name} (${role}) may not do this`, {
          status: 403,
          hint: `This is for ${access.join(", ")}.`,
        });
      }
    },
  };
}

/**
 * The cookie is SameSite=Strict already. A browser also says where a request comes from; one that says nothing is no
 * browser's page, and then the session's own token has to be shown.
 */
function refuseForeignPage(request: FastifyRequest, isTls: boolean): void {
  const { origin, host } = request.headers;
  const site = request.headers["sec-fetch-site"];
  if (origin !== undefined) {
    const own = `${isTls ? "https" : "http"}://${host ?? ""}`;
    if (origin === own && (site === undefined || site === "same-origin")) return;
    throw foreignPage(`the page at ${origin.slice(0, 100)} may not act here`);
  }
  if (site !== undefined && site !== "same-origin") throw foreignPage("a page of another site may not act here");
  if (request.session === undefined) return;
  const shown = request.headers["x-csrf-token"];
  if (typeof shown === "string" && isSameToken(shown, request.session.csrf)) return;
  throw foreignPage("the request names neither its origin nor the session's token");
}

function foreignPage(message: string): BridgeError {
  return new BridgeError("ORIGIN_REFUSED", message, {
    status: 403,
    hint: "Act from the bridge's own pages; a program sends X-CSRF-Token as GET /api/v1/session answered it.",
  });
}

/** The account behind a route that is not for anyone. */
export function accountOf(request: FastifyRequest): AccountFacts {
  if (request.session === undefined) throw new Error("the route let in somebody without a session");
  return request.session.account;
}
