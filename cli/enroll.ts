import { join } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { enroll } from "../gateway/identity/enroll.ts";
import { writeIdentity } from "../gateway/identity/identity-files.ts";

/** Pairs this box with a bridge, by the one-time token that `shao node add` printed there. */
export function command(): Command {
  return new Command()
    .argument("<url>", "address of the bridge's pages, https://HOST:PORT")
    .argument("<token>", "what `shao node add ID` printed; works once, for one hour")
    .option("--state <dir>", "the node's state folder, as `state` in its config (default: ./state/<node>)")
    .addHelpText(
      "after",
      "\nThe key is made here and never leaves this box. The bridge's CA is compared with the fingerprint in the token\n" +
        "before anything is said. Prints {node, bridge, mqttUrl, folder}.",
    )
    .action(async (url: string, token: string, { state }: { state?: string }) => {
      const identity = await enroll(url, token);
      const { node, bridge, mqttUrl } = identity;
      const folder = writeIdentity(state ?? join("state", node), identity);
      process.stdout.write(`${JSON.stringify({ node, bridge, mqttUrl, folder })}\n`);
      process.stderr.write(`Enrolled as ${node}. Start it with: shao gateway --config FILE\n`);
    });
}
