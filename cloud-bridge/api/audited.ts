import type { FastifyRequest } from "fastify";
import { audit } from "../roster/audit.ts";
import { accountOf } from "./access-control.ts";
import type { ApiContext } from "./context.ts";

/** Notes that the request's account did this to the bridge's registers. */
export function auditOf({ store, clock }: Pick<ApiContext, "store" | "clock">) {
  return (request: FastifyRequest, action: string, target: string, detail?: Record<string, unknown>): Promise<void> => {
    const entry = { actor: accountOf(request).name, action, target, address: request.ip };
    return audit(store.db, { ...entry, ...(detail === undefined ? {} : { detail }) }, clock.nowMs());
  };
}
