import type { GatewayConfig } from "./config/gateway-config.ts";
import { GatewayError } from "./contracts/gateway-error.ts";
import { type NodeIdentity, readIdentity } from "./identity/identity-files.ts";

/**
 * The identity of this box, if it was enrolled.
 * @throws GatewayError IDENTITY_BROKEN, IDENTITY_OTHER_NODE
 */
export function ownIdentity({ node, state }: Pick<GatewayConfig, "node" | "state">): NodeIdentity | undefined {
  const identity = readIdentity(state);
  if (identity === undefined || identity.node === node) return identity;
  throw new GatewayError("IDENTITY_OTHER_NODE", `this box is enrolled as ${identity.node}, the config says ${node}`, {
    hint: "Correct `node` or `state` in the config, or enrol this box under the new id.",
  });
}
