import process from "node:process";
import { Command, Option } from "commander";
import { welcomeLink } from "../cloud-bridge/addresses.ts";
import {
  type AccountRole,
  addAccount,
  factsOf,
  findAccountRow,
  type Invitation,
  invite,
  listAccounts,
  ROLES,
} from "../cloud-bridge/roster/accounts.ts";
import { audit } from "../cloud-bridge/roster/audit.ts";
import { disableAccount, enableAccount } from "../cloud-bridge/roster/disabling.ts";
import { DEFAULT_BRIDGE_CONFIG } from "./bridge-config.ts";
import { withBridgeStore } from "./with-bridge-store.ts";

interface AddOptions {
  readonly config: string;
  readonly role: AccountRole;
  readonly crew?: string;
  readonly unit?: string;
}

/** `shao user add|link|disable|enable|ls`: accounts. There is no default password: a one-time link sets the first. */
export function command(): Command {
  const user = new Command().addHelpText("after", "\nExample: shao user add lin --role dispatcher");
  user
    .command("add")
    .description("make an account: prints a one-time link that sets its password")
    .argument("<name>", "name of the person or crew")
    .addOption(new Option("--role <role>", "what it may do").choices(ROLES).makeOptionMandatory())
    .option("--crew <id>", "for role crew: the crew that it acts for")
    .option("--unit <id>", "the organisation that it belongs to")
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action((name: string, { config, role, crew, unit }: AddOptions) =>
      withBridgeStore(config, async ({ store, nowMs, actor, publicUrl }) => {
        const more = {
          ...(crew === undefined ? {} : { crewId: crew }),
          ...(unit === undefined ? {} : { unitId: unit }),
        };
        const invitation = await addAccount(store.db, { name, role, ...more }, nowMs);
        await audit(store.db, { actor, action: "account.add", target: name, detail: { role, ...more } }, nowMs);
        tell(invitation, publicUrl);
      }),
    );
  user
    .command("link")
    .description("a new one-time link for an account whose password is lost")
    .argument("<name>", "name of the account")
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action((name: string, { config }: { config: string }) =>
      withBridgeStore(config, async ({ store, nowMs, actor, publicUrl }) => {
        const account = factsOf(await findAccountRow(store.db, name));
        const invitation = await invite(store.db, account, nowMs);
        await audit(store.db, { actor, action: "account.link", target: name }, nowMs);
        tell(invitation, publicUrl);
      }),
    );
  user
    .command("disable")
    .description("end an account: its sessions and links end at once, what it did stays under its name")
    .argument("<name>", "name of the account")
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action((name: string, { config }: { config: string }) =>
      withBridgeStore(config, async ({ store, nowMs, actor }) => {
        const { account, ...detail } = await disableAccount(store.db, name, nowMs);
        await audit(store.db, { actor, action: "account.disable", target: account.name, detail }, nowMs);
        process.stdout.write(`${JSON.stringify({ ...account, ...detail })}\n`);
        process.stderr.write("Nobody gets in by this account any more.\n");
      }),
    );
  user
    .command("enable")
    .description("let an account that was disabled work again, with the password that it had")
    .argument("<name>", "name of the account")
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action((name: string, { config }: { config: string }) =>
      withBridgeStore(config, async ({ store, nowMs, actor }) => {
        const account = await enableAccount(store.db, name);
        await audit(store.db, { actor, action: "account.enable", target: account.name }, nowMs);
        process.stdout.write(`${JSON.stringify(account)}\n`);
      }),
    );
  user
    .command("ls")
    .description("all accounts, one JSON object a line")
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action(({ config }: { config: string }) =>
      withBridgeStore(config, async ({ store }) => {
        for (const account of await listAccounts(store.db)) process.stdout.write(`${JSON.stringify(account)}\n`);
      }),
    );
  return user;
}

function tell({ account, token, expiresAtMs }: Invitation, publicUrl: string): void {
  const link = welcomeLink(publicUrl, token);
  process.stdout.write(`${JSON.stringify({ ...account, link, expiresAtMs })}\n`);
  process.stderr.write(`Open this once, within a day, to set the password:\n  ${link}\n`);
}
