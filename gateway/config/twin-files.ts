import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { AtMs, Sha256 } from "../../protocol/ids.ts";
import { ConfigRevision } from "../../protocol/twin.ts";
import { writePrivateFile } from "../contracts/private-file.ts";

const CommandFacts = Type.Object({
  id: Type.String(),
  kind: Type.Literal("config"),
  issuedAtMs: AtMs,
  expiresAtMs: AtMs,
});
/** A command that waits for its answer, or had it. */
export type ConfigCommand = Static<typeof CommandFacts>;

const Outcome = Type.Union([
  Type.Object({ ok: Type.Literal(true), value: Type.Optional(Type.Unknown()) }),
  Type.Object({ ok: Type.Literal(false), code: Type.String(), message: Type.String() }),
]);

const TwinState = Type.Object({
  v: Type.Literal(1),
  /** Newest that was taken from the bridge, whatever became of it. */
  newestRevision: Type.Integer({ minimum: 0 }),
  /** Content hash of the site's file when the others were laid over it. */
  siteSha256: Sha256,
  /** Confirmed by its self-test; absent: the site's file. */
  inForce: Type.Optional(Type.Object({ sha256: Sha256, revision: ConfigRevision })),
  trial: Type.Optional(
    Type.Object({
      sha256: Sha256,
      revision: ConfigRevision,
      holdS: Type.Number(),
      mustAnswer: Type.Array(Type.String()),
      command: CommandFacts,
    }),
  ),
  answer: Type.Optional(Type.Object({ command: CommandFacts, outcome: Outcome, isGiven: Type.Boolean() })),
});
export type TwinState = Static<typeof TwinState>;

const checkedState = Compile(TwinState);
const STATE_FILE = "twin.json";

/** Steps between which the node may die; a test dies at each. */
export type TwinStep = "document-written" | "state-written" | "document-removed";

/** What the config twin remembers from one gateway to the next. */
export interface TwinMemory {
  /** @returns undefined where there is none, "broken" where nobody can read it */
  readState(): TwinState | undefined | "broken";
  /** Documents that the state does not name are forgotten. */
  writeState(state: TwinState): void;
  readDocument(sha256: string): string | undefined;
  writeDocument(sha256: string, text: string): void;
}

/**
 * The memory of the config twin: one small file that is replaced as a whole, and the documents that it names, each under
 * its content hash. A document is on the disk before anything names it; the site's own file is never touched.
 */
export class TwinFiles implements TwinMemory {
  readonly #folder: string;
  readonly #reach: (step: TwinStep) => void;

  constructor(folder: string, reach: (step: TwinStep) => void = () => {}) {
    this.#folder = folder;
    this.#reach = reach;
  }

  readState(): TwinState | undefined | "broken" {
    let text: string;
    try {
      text = readFileSync(join(this.#folder, STATE_FILE), "utf8");
    } catch {
      return undefined;
    }
    try {
      const value: unknown = JSON.parse(text);
      return checkedState.Check(value) ? value : "broken";
    } catch {
      return "broken";
    }
  }

  writeState(state: TwinState): void {
    writePrivateFile(join(this.#folder, STATE_FILE), `${JSON.stringify(state, undefined, 1)}\n`);
    this.#reach("state-written");
    const named = new Set([state.inForce?.sha256, state.trial?.sha256].map((sha256) => `${sha256}.yaml`));
    for (const file of readdirSync(this.#folder)) {
      if (!file.endsWith(".yaml") || named.has(file)) continue;
      rmSync(join(this.#folder, file), { force: true });
      this.#reach("document-removed");
    }
  }

  readDocument(sha256: string): string | undefined {
    try {
      return readFileSync(join(this.#folder, `${sha256}.yaml`), "utf8");
    } catch {
      return undefined;
    }
  }

  writeDocument(sha256: string, text: string): void {
    writePrivateFile(join(this.#folder, `${sha256}.yaml`), text);
    this.#reach("document-written");
  }
}
