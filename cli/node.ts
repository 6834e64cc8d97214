import process from "node:process";
import { Command, InvalidArgumentError } from "commander";
import { Value } from "typebox/value";
import { openAuthority } from "../cloud-bridge/fleet/authority.ts";
import { offerToken, revokeNode } from "../cloud-bridge/fleet/enrolment.ts";
import { listNodes } from "../cloud-bridge/fleet/node-views.ts";
import { audit } from "../cloud-bridge/roster/audit.ts";
import { NodeId } from "../protocol/ids.ts";
import { DEFAULT_BRIDGE_CONFIG } from "./bridge-config.ts";
import { type Locale, systemLocale } from "./locale.ts";
import { withBridgeStore } from "./with-bridge-store.ts";

const PAGE = 500;

const PASTE: Readonly<Record<Locale, string>> = {
  en: "Paste this on the box, within the hour:",
  "zh-CN": "一小时内在设备上粘贴执行：",
};

interface Options {
  readonly config: string;
}

/** `shao node add|ls|revoke`: which boxes may connect. Works beside a running bridge. */
export function command(): Command {
  const node = new Command().addHelpText("after", "\nExample: shao node add site-042 --config config/bridge.yaml");
  node
    .command("add")
    .description("let a box in: prints a token that works once, within the hour")
    .argument("<id>", "id of the node, a to z, 0 to 9 and -", nodeId)
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action((id: string, { config }: Options) =>
      withBridgeStore(config, async (bridge) => {
        const { fingerprint } = openAuthority(bridge.config.state);
        const { store, nowMs, actor: createdBy, publicUrl } = bridge;
        const offer = await offerToken(store.db, { node: id, createdBy, fingerprint, nowMs });
        await audit(store.db, { actor: createdBy, action: "node.add", target: id }, nowMs);
        const enroll = `shao enroll ${publicUrl} ${offer.token}`;
        process.stdout.write(`${JSON.stringify({ ...offer, command: enroll })}\n`);
        process.stderr.write(`${PASTE[systemLocale()]}\n  ${enroll}\n`);
      }),
    );
  node
    .command("ls")
    .description("all nodes, one JSON object a line")
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action(({ config }: Options) =>
      withBridgeStore(config, async ({ store, nowMs }) => {
        let after = "";
        for (;;) {
          const nodes = await listNodes(store.db, { after, limit: PAGE, nowMs });
          for (const view of nodes) process.stdout.write(`${JSON.stringify(view)}\n`);
          after = nodes.at(-1)?.id ?? "";
          if (nodes.length < PAGE) return;
        }
      }),
    );
  node
    .command("revoke")
    .description("refuse this node from now on; a running bridge cuts it within seconds")
    .argument("<id>", "id of the node", nodeId)
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action((id: string, { config }: Options) =>
      withBridgeStore(config, async ({ store, nowMs, actor }) => {
        await revokeNode(store.db, id, nowMs);
        await audit(store.db, { actor, action: "node.revoke", target: id }, nowMs);
        process.stdout.write(`${JSON.stringify({ node: id, revokedAtMs: nowMs })}\n`);
      }),
    );
  return node;
}

function nodeId(text: string): string {
  if (Value.Check(NodeId, text)) return text;
  throw new InvalidArgumentError("An id has 1 to 63 of a-z, 0-9 and -, and begins with a letter or digit.");
}
