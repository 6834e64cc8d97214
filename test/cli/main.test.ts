import { spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { afterEach, expect, test, vi } from "vitest";
import { main, SUBCOMMANDS } from "../../cli/main.ts";
import { EXIT, type Subcommand } from "../../cli/subcommand.ts";
import { DriverError } from "../../drivers/errors.ts";

const SHAO = fileURLToPath(new URL("../../cli/shao.js", import.meta.url));

const TREE: readonly Subcommand[] = [
  {
    name: "node",
    summary: "pairs nodes",
    load: async () => ({
      command: () =>
        new Command().addCommand(new Command("add").argument("<id>").action(() => undefined)).addCommand(
          new Command("revoke").argument("<id>").action(() => {
            throw new DriverError("BUS_LOST", "the port went away", { retry: "never", hint: "Plug it in again." });
          }),
        ),
    }),
  },
  {
    name: "bridge",
    summary: "runs a bridge",
    load: async () => ({
      command: () =>
        new Command()
          .enablePositionalOptions()
          .option("--config <file>", "its config", "default.yaml")
          .action(({ config }) => void process.stdout.write(`bridge ${config}`))
          .addCommand(
            new Command("init")
              .option("--config <file>", "its config", "default.yaml")
              .action(({ config }) => void process.stdout.write(`init ${config}`)),
          ),
    }),
  },
  { name: "gateway", summary: "runs a gateway", load: async () => ({ command: () => new Command() }) },
];

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** Runs a command line in this process and gives what it said. */
async function said(...argv: string[]): Promise<{ out: string; err: string; exit: unknown }> {
  const lines = { out: "", err: "" };
  const keep = (where: "out" | "err") => (text: string | Uint8Array) => {
    lines[where] += String(text);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(keep("out"));
  vi.spyOn(process.stderr, "write").mockImplementation(keep("err"));
  await main(argv, TREE);
  const exit = process.exitCode ?? EXIT.good;
  vi.restoreAllMocks();
  return { ...lines, exit };
}

test("--help lists every subcommand with its summary, on stdout", async () => {
  const { out, err, exit } = await said("--help");
  expect(out).toMatch(/bridge +runs a bridge\n +gateway +runs a gateway\n +node +pairs nodes/);
  expect(out).toContain("64 wrong usage");
  expect(err).toBe("");
  expect(exit).toBe(EXIT.good);
});

test("an unknown subcommand is answered with the one that was meant", async () => {
  const { out, err, exit } = await said("gatewya", "--config", "x.yaml");
  expect(err).toContain("unknown command 'gatewya'");
  expect(err).toContain("Did you mean gateway?");
  expect(out).toBe("");
  expect(exit).toBe(EXIT.usage);
});

test.each([
  [[], "Usage: shao <command>"],
  [["node"], "Usage: shao node"],
  [["node", "ad", "n1"], "Did you mean add?"],
  [["node", "add"], "missing required argument 'id'\nHint: shao node add --help explains it."],
  [["node", "add", "n1", "--forse"], "unknown option '--forse'"],
])("wrong usage %j ends with 64 and says where help is", async (argv, sentence) => {
  const { err, exit } = await said(...argv);
  expect(err).toContain(sentence);
  expect(exit).toBe(EXIT.usage);
});

test("an option belongs to the command that it follows", async () => {
  expect((await said("bridge", "--config", "a.yaml")).out).toBe("bridge a.yaml");
  expect((await said("bridge", "init", "--config", "b.yaml")).out).toBe("init b.yaml");
  expect((await said("bridge", "init")).out).toBe("init default.yaml");
});

test("an error of ours is told with its code and hint, without a stack", async () => {
  const { err, exit } = await said("node", "revoke", "n1");
  expect(err).toBe("shao node: the port went away (BUS_LOST)\nHint: Plug it in again.\n");
  expect(exit).toBe(EXIT.fault);
});

test("every file of a subcommand stands in the table, and each explains itself", async () => {
  const files = readdirSync(fileURLToPath(new URL("../../cli/", import.meta.url)))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => name.slice(0, -3));
  expect(SUBCOMMANDS.length).toBeGreaterThan(0);
  expect(SUBCOMMANDS.map(({ name }) => name).filter((name) => !files.includes(name))).toEqual([]);
  for (const { name, load, summary } of SUBCOMMANDS) {
    const { command } = await load();
    expect(summary.length, name).toBeGreaterThan(10);
    expect(command().helpInformation(), name).toContain("Usage:");
  }
});

test("--version prints the version of package.json alone", () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [SHAO, "--version"], { encoding: "utf8" });
  expect({ stdout, stderr, status }).toEqual({ stdout: "0.1.0\n", stderr: "", status: 0 });
});

test("a reader that leaves early, as head does, is no fault", async () => {
  const child = spawn(process.execPath, [SHAO, "--help"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  let err = "";
  child.stderr.on("data", (chunk) => {
    err += String(chunk);
  });
  const status = await new Promise((resolve) => child.on("close", resolve));
  expect({ err, status }).toEqual({ err: "", status: 0 });
});
