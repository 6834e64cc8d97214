import process from "node:process";
import { Command, InvalidArgumentError } from "commander";
import { audit } from "../cloud-bridge/roster/audit.ts";
import {
  addSource,
  DEFAULT_PER_MINUTE,
  listSources,
  revokeSource,
  SOURCE_CHANNELS,
  type SourceChannel,
} from "../cloud-bridge/roster/source-tokens.ts";
import { DEFAULT_BRIDGE_CONFIG } from "./bridge-config.ts";
import { withBridgeStore } from "./with-bridge-store.ts";

const DAY_MS = 86_400_000;

interface AddOptions {
  readonly config: string;
  readonly source: string;
  readonly channel: SourceChannel[];
  readonly unit?: string;
  readonly perMinute: number;
  readonly days?: number;
}

/** `shao source add|ls|revoke`: tokens with which other systems report. */
export function command(): Command {
  const source = new Command().addHelpText(
    "after",
    "\nExample: shao source add 'Hotline of the city' --source hotline-12345 --channel order,citizen",
  );
  source
    .command("add")
    .description("make a token: printed once, only its hash is kept")
    .argument("<name>", "of the system, as the timeline names it")
    .requiredOption("--source <id>", "what its reports name as their source")
    .option("--channel <list>", `by which it reports: ${SOURCE_CHANNELS.join(", ")}`, channelsOf, ["order"])
    .option("--unit <id>", "what it reports is for this unit or one below it")
    .option("--per-minute <n>", "how often it may ask", countOf, DEFAULT_PER_MINUTE)
    .option("--days <n>", "how long the token is good; until it is revoked where left out", countOf)
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action((name: string, { config, source: of, channel, unit, perMinute, days }: AddOptions) =>
      withBridgeStore(config, async ({ store, nowMs, actor, publicUrl }) => {
        const wanted = {
          ...{ name, source: of, channels: channel, perMinute },
          ...(unit === undefined ? {} : { unitId: unit }),
          ...(days === undefined ? {} : { expiresAtMs: nowMs + days * DAY_MS }),
        };
        const made = await addSource(store.db, wanted, actor, nowMs);
        const detail = { name, source: of, channels: channel };
        await audit(store.db, { actor, action: "source.add", target: made.source.id, detail }, nowMs);
        process.stdout.write(`${JSON.stringify({ ...made.source, token: made.token })}\n`);
        process.stderr.write(
          `It reports with POST ${publicUrl}/api/v1/reports and the header\n  Authorization: Bearer ${made.token}\n`,
        );
      }),
    );
  source
    .command("ls")
    .description("all of them, one JSON object a line")
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action(({ config }: { config: string }) =>
      withBridgeStore(config, async ({ store }) => {
        for (const one of await listSources(store.db)) process.stdout.write(`${JSON.stringify(one)}\n`);
      }),
    );
  source
    .command("revoke")
    .description("from now on the token is refused")
    .argument("<id>", "as `shao source ls` names it")
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action((id: string, { config }: { config: string }) =>
      withBridgeStore(config, async ({ store, nowMs, actor }) => {
        const revoked = await revokeSource(store.db, id, actor, nowMs);
        await audit(store.db, { actor, action: "source.revoke", target: id }, nowMs);
        process.stdout.write(`${JSON.stringify(revoked)}\n`);
      }),
    );
  return source;
}

function channelsOf(text: string): SourceChannel[] {
  return text.split(",").map((one) => {
    const channel = SOURCE_CHANNELS.find((name) => name === one.trim());
    if (channel === undefined) throw new InvalidArgumentError(`there are ${SOURCE_CHANNELS.join(", ")}`);
    return channel;
  });
}

function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError("a whole number from 1 on");
  return count;
}
