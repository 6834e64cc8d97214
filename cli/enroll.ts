import { join } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { GatewayError } from "../gateway/contracts/gateway-error.ts";
import { enroll } from "../gateway/identity/enroll.ts";
import { writeIdentity } from "../gateway/identity/identity-files.ts";
import { pendingKey } from "../gateway/identity/pending-key.ts";
import { type Locale, systemLocale } from "./locale.ts";

/** No repetition of the command helps. */
const FINAL = new Set(["ENROL_REFUSED", "ENROL_TOKEN_FORM"]);

const ENROLLED: Readonly<Record<Locale, (node: string) => string>> = {
  en: (node) => `Enrolled as ${node}. Start it with: shao gateway --config FILE`,
  "zh-CN": (node) => `已配对，本机编号 ${node}。启动：shao gateway --config 配置文件`,
};

/** Pairs this box with a bridge, by the one-time token that `shao node add` printed there. */
export function command(): Command {
  return new Command()
    .argument("<url>", "address of the bridge's pages, https://HOST:PORT")
    .argument("<token>", "what `shao node add ID` printed; works for one box, for one hour")
    .option("--state <dir>", "the node's state folder, as `state` in its config (default: ./state/<node>)")
    .addHelpText(
      "after",
      "\nThe key is made here and never leaves this box. The bridge's CA is compared with the fingerprint in the token\n" +
        "before anything is said. Where the answer is lost, run it again. Prints {node, bridge, mqttUrl, folder}.",
    )
    .action(async (url: string, token: string, { state }: { state?: string }) => {
      const key = await pendingKey(state ?? "state", token);
      const identity = await enroll(url, token, { key }).catch((error: unknown) => {
        // Whatever else it was, the bridge may have answered.
        if (error instanceof GatewayError && FINAL.has(error.code)) key.forget();
        throw error;
      });
      const { node, bridge, mqttUrl } = identity;
      const folder = writeIdentity(state ?? join("state", node), identity);
      key.forget();
      process.stdout.write(`${JSON.stringify({ node, bridge, mqttUrl, folder })}\n`);
      process.stderr.write(`${ENROLLED[systemLocale()](node)}\n`);
    });
}
