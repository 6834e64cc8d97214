/** One instruction of a Dockerfile, continuation lines joined. */
export interface Step {
  readonly name: string;
  readonly rest: string;
}

export interface Stage {
  /** Its name, or its number where it has none. */
  readonly name: string;
  readonly base: string;
  readonly steps: readonly Step[];
}

/** The stages of a Dockerfile as far as ours goes: no ARG before FROM, no here-documents. */
export function parseDockerfile(text: string): Stage[] {
  const stages: { name: string; base: string; steps: Step[] }[] = [];
  const lines = text
    .split("\n")
    .filter((line) => !line.trim().startsWith("#") && line.trim() !== "")
    .join("\n")
    .replaceAll(/\\\n/g, " ")
    .split("\n");
  for (const line of lines) {
    const [, name = "", rest = ""] = /^\s*([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === "") throw new Error(`no instruction: ${line}`);
    if (name === "FROM") {
      const [base = "", , as] = rest.split(/\s+/);
      stages.push({ name: as ?? String(stages.length), base, steps: [] });
    } else {
      const stage = stages.at(-1);
      if (stage === undefined) throw new Error(`${name} before FROM`);
      stage.steps.push({ name, rest });
    }
  }
  return stages;
}

/** `COPY [--from=STAGE] SOURCE… TARGET`. */
export function parseCopy(rest: string): { from?: string; sources: readonly string[]; target: string } {
  const words = rest.split(/\s+/);
  const from = words.find((word) => word.startsWith("--from="))?.slice("--from=".length);
  const paths = words.filter((word) => !word.startsWith("--"));
  const target = paths.at(-1) ?? "";
  return { ...(from === undefined ? {} : { from }), sources: paths.slice(0, -1), target };
}

/** `ENV A=b C=d`, without quotes. */
export function parseEnvironment(rest: string): Record<string, string> {
  return Object.fromEntries(
    rest.split(/\s+/).map((pair) => [pair.split("=")[0] ?? "", pair.slice(pair.indexOf("=") + 1)]),
  );
}

/** `["node", "cli/shao.js"]`. */
export function parseWords(rest: string): string[] {
  const words: unknown = JSON.parse(rest.slice(rest.indexOf("[")));
  if (!Array.isArray(words)) throw new Error(`not in exec form: ${rest}`);
  return words.map(String);
}
