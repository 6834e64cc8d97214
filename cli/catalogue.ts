import { readFileSync } from "node:fs";
import process from "node:process";
import { Command } from "commander";
import { parse, stringify } from "yaml";
import type { Catalogue } from "../cloud-bridge/cases/catalogue.ts";
import { readCatalogue } from "../cloud-bridge/cases/catalogue.ts";
import {
  catalogueInForce,
  catalogueNamed,
  keepCatalogue,
  listCatalogues,
} from "../cloud-bridge/cases/catalogue-rows.ts";
import { DEFAULT_CATALOGUE } from "../cloud-bridge/cases/default-catalogue.ts";
import { audit } from "../cloud-bridge/roster/audit.ts";
import { BridgeError } from "../cloud-bridge/store/errors.ts";
import { DEFAULT_BRIDGE_CONFIG } from "./bridge-config.ts";
import { UsageError, usable } from "./usage-error.ts";
import { withBridgeStore } from "./with-bridge-store.ts";

/** `shao catalogue show|load|ls`: categories, times, legal grounds and whistles of a city, by version. */
export function command(): Command {
  const catalogue = new Command().addHelpText(
    "after",
    `
A city's own tables: print what is in force, change it, give it a name, a version and a date, load it.
  shao catalogue show > beijing.yaml
  shao catalogue load beijing.yaml --check
  shao catalogue load beijing.yaml --config config/bridge.yaml
A version never changes once it is loaded: cases refer to the one that they were opened under.`,
  );
  const show = catalogue.command("show");
  show
    .description("print a catalogue as YAML: the one in force, or NAME VERSION")
    .argument("[name]", "name of the catalogue")
    .argument("[version]", "its version")
    .option("--default", "the one that comes with Shao; needs no bridge")
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action((name: string | undefined, version: string | undefined, options: ShowOptions) =>
      usable(show, async () => {
        if (options.default === true) return print(DEFAULT_CATALOGUE);
        if ((name === undefined) !== (version === undefined))
          throw new UsageError("give both NAME and VERSION, or none");
        await withBridgeStore(options.config, async ({ store, nowMs }) =>
          print(
            name === undefined || version === undefined
              ? await catalogueInForce(store.db, nowMs)
              : await catalogueNamed(store.db, name, version),
          ),
        );
      }),
    );
  catalogue
    .command("load")
    .description("check a catalogue (YAML or JSON) and load it as a version")
    .argument("<file>", "the catalogue")
    .option("--check", "check it only; needs no bridge")
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action(async (file: string, { check, config }: { check?: boolean; config: string }) => {
      const loaded = readCatalogue(documentOf(file));
      const { name, version } = loaded;
      if (check === true) return tell({ name, version, isGood: true });
      await withBridgeStore(config, async ({ store, nowMs, actor }) => {
        await keepCatalogue(store.db, loaded, actor, nowMs);
        await audit(store.db, { actor, action: "catalogue.load", target: `${name} ${version}` }, nowMs);
        tell({ name, version, inForceFrom: loaded.inForceFrom });
      });
    });
  catalogue
    .command("ls")
    .description("all versions, newest first, one JSON object a line; `isInForce` marks the current one")
    .option("--config <file>", "the bridge's config", DEFAULT_BRIDGE_CONFIG)
    .action(({ config }: { config: string }) =>
      withBridgeStore(config, async ({ store, nowMs }) => {
        for (const found of await listCatalogues(store.db, nowMs)) tell(found);
      }),
    );
  return catalogue;
}

interface ShowOptions {
  readonly default?: boolean;
  readonly config: string;
}

/** @throws BridgeError CATALOGUE_UNREADABLE */
function documentOf(file: string): unknown {
  try {
    return parse(readFileSync(file, "utf8"), { maxAliasCount: 0 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new BridgeError("CATALOGUE_UNREADABLE", `cannot read ${file}: ${why}`, {
      status: 422,
      hint: "`shao catalogue show --default` prints one to begin with.",
      cause,
    });
  }
}

function print(catalogue: Catalogue): void {
  process.stdout.write(stringify(catalogue, { lineWidth: 0 }));
}

function tell(facts: object): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}
