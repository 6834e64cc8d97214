import { readFileSync } from "node:fs";
import type { ApiOptions } from "./api/context.ts";
import type { BridgeConfig } from "./config.ts";
import type { NotificationChannel } from "./dispatch/channels/channel.ts";
import { radioChannel } from "./dispatch/channels/radio-channel.ts";
import { vehicleChannel } from "./dispatch/channels/vehicle-channel.ts";
import { webhookChannel } from "./dispatch/channels/webhook-channel.ts";
import type { NodeCommands } from "./dispatch/node-commands.ts";
import type { BridgeClock } from "./store/clock.ts";
import type { Db } from "./store/database.ts";
import { BridgeError } from "./store/errors.ts";

const SHORTEST_SECRET = 16;

/**
 * The ways beside the crew's page that the config names.
 * @throws BridgeError CHANNEL_SECRET
 */
export function channelsOf(
  { channels }: Pick<BridgeConfig, "channels">,
  { db, commands, clock }: { readonly db: Db; readonly commands: NodeCommands; readonly clock: BridgeClock },
): readonly NotificationChannel[] {
  const { vehicles, radio, webhooks } = channels;
  return [
    ...(vehicles ? [vehicleChannel(commands)] : []),
    ...(radio === undefined ? [] : [radioChannel(db, commands, radio)]),
    ...Object.entries(webhooks).map(([name, { url, secretFile, events }]) =>
      webhookChannel(clock, { name, url, events, secret: secretIn(secretFile, `channels.webhooks.${name}`) }),
    ),
  ];
}

/** What the API needs to offer cases by Open311, where the config does. @throws BridgeError CHANNEL_SECRET */
export function open311Of({ channels }: Pick<BridgeConfig, "channels">): Pick<ApiOptions, "open311"> {
  if (channels.open311 === undefined) return {};
  const { keyFile, ...about } = channels.open311;
  const key = keyFile === undefined ? {} : { key: secretIn(keyFile, "channels.open311") };
  return { open311: { ...about, ...key } };
}

/** @throws BridgeError CHANNEL_SECRET */
export function secretIn(file: string, what: string): string {
  let secret: string;
  try {
    secret = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new BridgeError("CHANNEL_SECRET", `the secret of ${what} cannot be read from ${file}: ${String(error)}`, {
      status: 500,
      hint: "Put it alone into that file, readable for the bridge's user only: `openssl rand -hex 32 > FILE`.",
    });
  }
  if (secret.length >= SHORTEST_SECRET) return secret;
  throw new BridgeError(
    "CHANNEL_SECRET",
    `the secret of ${what} in ${file} is shorter than ${SHORTEST_SECRET} letters`,
    {
      status: 500,
      hint: "`openssl rand -hex 32 > FILE` makes a good one.",
    },
  );
}
