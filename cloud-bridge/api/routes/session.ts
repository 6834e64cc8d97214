import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { FastifyInstance, FastifyReply } from "fastify";
import { Type } from "typebox";
import { type AccountFacts, checkPassword, redeemInvitation } from "../../roster/accounts.ts";
import { audit } from "../../roster/audit.ts";
import { endSession, openSession, SESSION_LIFE_MS } from "../../roster/sessions.ts";
import { accountOf } from "../access-control.ts";
import type { ApiContext } from "../context.ts";
import { Account, Problem, SignIn, Welcome } from "../schema/common.ts";

/** Sign-in, one-time links, sign-out, and who am I. */
export function sessionRoutes(instance: FastifyInstance, context: ApiContext): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { store, clock, cookieName, tls, applied } = context;
  const slow = { rateLimit: { max: applied.signInsPerMinute, timeWindow: 60_000 } };
  const answers = { 200: Account, "4xx": Problem };

  async function enter(account: AccountFacts, reply: FastifyReply): Promise<AccountFacts> {
    const session = await openSession(store.db, account.id, clock.nowMs());
    reply.setCookie(cookieName, session.secret, {
      path: "/",
      httpOnly: true,
      sameSite: "strict",
      secure: tls !== "insecure-loopback",
      maxAge: SESSION_LIFE_MS / 1000,
    });
    reply.header("x-csrf-token", session.csrf);
    return account;
  }

  app.post(
    "/session",
    { config: { access: "anyone", ...slow }, schema: { summary: "Sign in", body: SignIn, response: answers } },
    async (request, reply) => {
      const { name, password } = request.body;
      try {
        const account = await checkPassword(store.db, name, password);
        await audit(store.db, { actor: account.name, action: "sign-in", address: request.ip }, clock.nowMs());
        return await enter(account, reply);
      } catch (error) {
        await audit(
          store.db,
          { actor: name.slice(0, 64), action: "sign-in.refused", address: request.ip },
          clock.nowMs(),
        );
        throw error;
      }
    },
  );

  app.post(
    "/welcome",
    {
      config: { access: "anyone", ...slow },
      schema: { summary: "Redeem a one-time link and set a password", body: Welcome, response: answers },
    },
    async (request, reply) => {
      const account = await redeemInvitation(store.db, { ...request.body, nowMs: clock.nowMs() });
      await audit(store.db, { actor: account.name, action: "welcome", address: request.ip }, clock.nowMs());
      return enter(account, reply);
    },
  );

  app.get(
    "/session",
    {
      config: { access: "signed-in" },
      schema: { summary: "Who am I; X-CSRF-Token for clients that send no Origin", response: answers },
    },
    async (request, reply) => {
      reply.header("x-csrf-token", request.session?.csrf ?? "");
      return accountOf(request);
    },
  );

  app.delete(
    "/session",
    {
      config: { access: "signed-in" },
      schema: { summary: "Sign out", response: { 204: Type.Null(), "4xx": Problem } },
    },
    async (request, reply) => {
      await endSession(store.db, request.cookies[cookieName] ?? "");
      reply.clearCookie(cookieName, { path: "/" });
      return reply.code(204).send(null);
    },
  );
}
