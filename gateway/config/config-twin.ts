import { deflateRawSync } from "node:zlib";
import { Compile } from "typebox/compile";
import { stringify } from "yaml";
import type { HealthState } from "../../protocol/bodies.ts";
import { plain } from "../../protocol/document/check-document.ts";
import { contentHash } from "../../protocol/document/content-hash.ts";
import { type DocumentFault, secretless } from "../../protocol/document/fault.ts";
import { parseDocumentText } from "../../protocol/document/parse-document.ts";
import { redacted } from "../../protocol/redact.ts";
import type { Command } from "../../protocol/session.ts";
import { ConfigAsk, ConfigOrder, DEFAULT_HOLD_S, type ReportedConfig } from "../../protocol/twin.ts";
import type { ConfigCommandFacts, ConfigOutcome, NodeTwin, TrialSubject } from "../contracts/config-twin.ts";
import type { Logger } from "../contracts/logger.ts";
import type { DriverCatalogue } from "./check-devices.ts";
import type { GatewayConfig } from "./gateway-config.ts";
import { carriesSecret, withKeptSecrets } from "./kept-secrets.ts";
import { checkGatewayRoot, type GatewayConfigResult } from "./load-gateway-config.ts";
import { changedLocally } from "./local-only.ts";
import { SelfTest } from "./self-test.ts";
import { type ConfigCommand, TwinFiles, type TwinMemory, type TwinState, type TwinStep } from "./twin-files.ts";

const LOOK_EVERY_MS = 500;
const MOST_FAULTS = 6;
/** An answer is a record of lane 0. */
const MOST_TOLD = 2800;
const isOrder = Compile(ConfigOrder);
const isAsk = Compile(ConfigAsk);

export interface ConfigTwinOptions {
  /** Where it keeps what it was sent: beside the site's file, never over it. */
  readonly folder: string;
  readonly site: Extract<GatewayConfigResult, { readonly ok: true }>;
  readonly drivers: DriverCatalogue;
  readonly log: Logger;
  /** Instead of the folder, where there is no disk. */
  readonly memory?: TwinMemory;
  /** Tests die here. */
  readonly reach?: (step: TwinStep) => void;
}

/** A document from the bridge that was found good. */
interface Accepted {
  readonly config: GatewayConfig;
  readonly text: string;
}

/**
 * Which config is in force on this node: the site's file, or one that the bridge sent and that passed its self-test over that
 * very file. One that is on trial is in force until the verdict; whatever ends the process meanwhile ends the trial.
 */
export class ConfigTwin implements NodeTwin {
  readonly #options: ConfigTwinOptions;
  readonly #files: TwinMemory;
  #state: TwinState;
  #confirmed: Accepted | undefined;
  #trial: Accepted | undefined;
  #isTrialRunning = false;
  #give: ((command: ConfigCommandFacts, outcome: ConfigOutcome) => Promise<void>) | undefined;
  #orders: Promise<unknown> = Promise.resolve();

  private constructor(options: ConfigTwinOptions, files: TwinMemory, state: TwinState) {
    this.#options = options;
    this.#files = files;
    this.#state = state;
  }

  static async open(options: ConfigTwinOptions): Promise<ConfigTwin> {
    const { folder, site, log, reach } = options;
    const files = options.memory ?? new TwinFiles(folder, reach);
    const siteSha256 = site.config.contentSha256;
    const fresh: TwinState = { v: 1, newestRevision: 0, siteSha256 };
    const found = files.readState();
    if (found === "broken") {
      const hint = "The site's own file is in force. Apply the wanted config once more.";
      log.error({ code: "CONFIG_TWIN_BROKEN", folder, hint }, "memory of configs from the bridge cannot be read");
    }
    const twin = new ConfigTwin(options, files, found === undefined || found === "broken" ? fresh : found);
    if (found !== undefined && found !== "broken") await twin.#takeUp(siteSha256);
    return twin;
  }

  /** What the next gateway is to run with. */
  get config(): GatewayConfig {
    return (this.#trial ?? this.#confirmed ?? this.#options.site).config;
  }

  get reported(): ReportedConfig {
    const { newestRevision } = this.#state;
    const accepted = this.#trial ?? this.#confirmed;
    return {
      sha256: this.config.contentSha256,
      source: accepted === undefined ? "file" : "bridge",
      ...(newestRevision === 0 ? {} : { revision: newestRevision }),
      lastGood: (this.#confirmed ?? this.#options.site).config.contentSha256,
      isTrial: this.#trial !== undefined,
    };
  }

  /** One after the other: two orders at once are an older one and a newer one. */
  order(command: Command, states: ReadonlyMap<string, HealthState>): Promise<ConfigOutcome | "later"> {
    const done = this.#orders.then(() => this.#order(command, states));
    this.#orders = done.catch(() => {});
    return done;
  }

  isTrying(command: string): boolean {
    return this.#state.trial?.command.id === command;
  }

  runs(subject: TrialSubject): void {
    if (this.#trial === undefined || this.#state.trial === undefined) return;
    this.#isTrialRunning = true;
    this.#try(subject, this.#state.trial).catch((error: unknown) => {
      // Where it cannot be kept it is not in force.
      this.#unkept(error);
      this.#revert(`it could not be kept: ${String(error)}`);
      subject.restart();
    });
  }

  async answerBy(give: (command: ConfigCommandFacts, outcome: ConfigOutcome) => Promise<void>): Promise<void> {
    this.#give = give;
    try {
      await this.#answer();
    } catch (error) {
      this.#unkept(error);
    }
  }

  /** The gateway did not start with what is in force. */
  broke(error: unknown): void {
    if (this.#trial !== undefined) this.#revert(`the gateway did not start with it: ${String(error)}`);
  }

  /** The gateway ended. A trial that is not over by then has failed. */
  stopped(): void {
    this.#give = undefined;
    if (this.#isTrialRunning) this.#revert("the gateway ended while it was tried");
  }

  // ---- at a start ----

  async #takeUp(siteSha256: string): Promise<void> {
    const { log } = this.#options;
    const { trial, inForce } = this.#state;
    if (siteSha256 !== this.#state.siteSha256) {
      if (trial !== undefined) this.#revert("the site's file was edited meanwhile");
      const { inForce: replaced, ...rest } = this.#state;
      this.#write({ ...rest, siteSha256 });
      if (replaced === undefined) return;
      const hint = "The bridge shows the difference; apply the wanted config again, or take over this one there.";
      log.warn(
        { code: "CONFIG_EDITED_HERE", revision: replaced.revision, hint },
        "site's file was edited and is in force",
      );
      return;
    }
    if (trial !== undefined) this.#revert("the node ended while it was tried");
    if (inForce === undefined) return;
    const accepted = await this.#accept(this.#files.readDocument(inForce.sha256) ?? "", inForce.sha256);
    if (!("ok" in accepted)) {
      this.#confirmed = accepted;
      return;
    }
    const hint = "The site's own file is in force. Apply the wanted config once more.";
    const { code, message } = accepted;
    log.error({ code: "CONFIG_TWIN_BROKEN", cause: code, message, hint }, "config from the bridge cannot be used");
    const { inForce: _, ...rest } = this.#state;
    this.#write(rest);
  }

  // ---- an order ----

  async #order(command: Command, states: ReadonlyMap<string, HealthState>): Promise<ConfigOutcome | "later"> {
    const { args } = command;
    if (isAsk.Check(args)) return this.#tell();
    if (!isOrder.Check(args)) return no("COMMAND_ARGUMENTS", "a config order says revision, sha256 and document");
    const { trial, answer } = this.#state;
    if (trial?.command.id === command.id) return "later";
    if (answer?.command.id === command.id) return answer.outcome;
    if (trial !== undefined) return no("CONFIG_BUSY", `revision ${trial.revision} is being tried`);
    const { revision, sha256, document, holdS = DEFAULT_HOLD_S } = args;
    const { newestRevision } = this.#state;
    if (revision <= newestRevision) {
      return no("CONFIG_DOWNGRADED", `revision ${revision} is not newer than ${newestRevision}, which this node took`);
    }
    const accepted = await this.#accept(document, sha256);
    if ("ok" in accepted) return accepted;
    if (accepted.config.contentSha256 === this.config.contentSha256) {
      this.#write({ ...this.#state, newestRevision: revision });
      return { ok: true, value: { state: "unchanged", sha256, revision } };
    }
    this.#stage(accepted, { revision, holdS, command: { ...facts(command), kind: "config" } }, states);
    return "later";
  }

  #stage(
    accepted: Accepted,
    order: { readonly revision: number; readonly holdS: number; readonly command: ConfigCommand },
    states: ReadonlyMap<string, HealthState>,
  ): void {
    const { config, text } = accepted;
    const started = new Set([
      ...config.devices.filter(({ isEnabled }) => isEnabled).map(({ id }) => id),
      ...config.cameras.map(({ id }) => id),
    ]);
    const mustAnswer = [...states].filter(([id, state]) => state === "online" && started.has(id)).map(([id]) => id);
    this.#files.writeDocument(config.contentSha256, text);
    const trial = { ...order, sha256: config.contentSha256, mustAnswer };
    this.#write({ ...this.#state, newestRevision: order.revision, trial });
    this.#trial = accepted;
    this.#options.log.info({ revision: order.revision, sha256: trial.sha256, mustAnswer }, "config will be tried");
  }

  /** The same checks as of a file, and what only the box may say. */
  async #accept(text: string, sha256: string): Promise<Accepted | Extract<ConfigOutcome, { ok: false }>> {
    const { site, drivers } = this.#options;
    const read = parseDocumentText(text);
    if (read.faults.length > 0) return no("CONFIG_FAULTS", told(read.faults));
    if (carriesSecret(read.root)) {
      return no("CONFIG_SECRET", "a secret stands in it: enter those on the box, and write *** in their place");
    }
    if (contentHash(read.root) !== sha256) return no("CONFIG_HASH", "its content is not that of its hash");
    const { root, lacking } = withKeptSecrets(read.root, site.root);
    if (lacking.length > 0) {
      return no("CONFIG_SECRET", `the box has no secret to keep for ${lacking.slice(0, MOST_FAULTS).join(", ")}`);
    }
    const checked = await checkGatewayRoot(root, text, drivers);
    if (!checked.ok) return no("CONFIG_FAULTS", told(checked.faults));
    const changed = changedLocally(site.config, checked.config);
    if (changed.length === 0) return { config: checked.config, text };
    return no("CONFIG_LOCAL_ONLY", `only somebody at the box may change ${changed.join(", ")}`);
  }

  #tell(): ConfigOutcome {
    const { sha256, source } = this.reported;
    const text = (this.#trial ?? this.#confirmed)?.text ?? stringify(redacted(plain(this.#options.site.root)));
    const deflated = deflateRawSync(text).toString("base64");
    if (deflated.length <= MOST_TOLD) return { ok: true, value: { sha256, source, deflated } };
    return no("CONFIG_OVERSIZED", `the config is too large for an answer: ${text.length} characters`);
  }

  // ---- a trial ----

  async #try(subject: TrialSubject, { mustAnswer, holdS }: NonNullable<TwinState["trial"]>): Promise<void> {
    const test = new SelfTest({ mustAnswer, holdS, upMs: subject.upMs() });
    while (!subject.signal.aborted && this.#isTrialRunning) {
      const verdict = test.look({
        upMs: subject.upMs(),
        states: subject.states(),
        isUplinkUp: subject.isUplinkUp(),
      });
      if (verdict.is === "good") return this.#confirm();
      if (verdict.is === "bad") {
        this.#revert(verdict.reason);
        return subject.restart();
      }
      await subject.sleep(LOOK_EVERY_MS);
    }
  }

  async #confirm(): Promise<void> {
    const { trial, ...rest } = this.#state;
    if (trial === undefined) return;
    const { sha256, revision, command } = trial;
    const outcome: ConfigOutcome = { ok: true, value: { state: "applied", sha256, revision } };
    const siteSha256 = this.#options.site.config.contentSha256;
    const answer = { command, outcome, isGiven: false };
    this.#write({ ...rest, siteSha256, inForce: { sha256, revision }, answer });
    this.#confirmed = this.#trial;
    this.#trial = undefined;
    this.#isTrialRunning = false;
    this.#options.log.info({ revision, sha256 }, "config passed its self-test and is in force");
    await this.#answer();
  }

  /** What was in force before is in force again; the answer is given by the gateway that runs with it. */
  #revert(reason: string): void {
    const { trial, ...rest } = this.#state;
    if (trial === undefined) return;
    const { command, revision, sha256 } = trial;
    const outcome = no("CONFIG_REVERTED", reason.slice(0, 400));
    this.#trial = undefined;
    this.#isTrialRunning = false;
    const reverted = { ...rest, answer: { command, outcome, isGiven: false } };
    try {
      this.#write(reverted);
    } catch (error) {
      // On the disk it is a trial that did not end, which comes to the same at the next start.
      this.#state = reverted;
      this.#unkept(error);
    }
    const hint = "The config before it is in force again. Correct what the message says, and apply it once more.";
    this.#options.log.warn(
      { code: "CONFIG_REVERTED", revision, sha256, message: reason, hint },
      "config was taken back",
    );
  }

  #write(state: TwinState): void {
    this.#files.writeState(state);
    this.#state = state;
  }

  #unkept(error: unknown): void {
    const hint = "Look at the disk of the state folder. The config before a trial is in force.";
    this.#options.log.error({ code: "CONFIG_TWIN_BROKEN", error: String(error), hint }, "config could not be kept");
  }

  async #answer(): Promise<void> {
    const { answer } = this.#state;
    if (answer === undefined || answer.isGiven || this.#give === undefined) return;
    await this.#give(answer.command, answer.outcome);
    // Another order may have come meanwhile.
    if (this.#state.answer !== answer) return;
    this.#write({ ...this.#state, answer: { ...answer, isGiven: true } });
  }
}

function facts({ id, issuedAtMs, expiresAtMs }: Command): Omit<ConfigCommand, "kind"> {
  return { id, issuedAtMs, expiresAtMs };
}

function told(faults: readonly DocumentFault[]): string {
  const more = faults.length > MOST_FAULTS ? ` and ${faults.length - MOST_FAULTS} more` : "";
  const shown = faults.slice(0, MOST_FAULTS);
  return shown.map(({ at, message }) => `line ${at.line}: ${secretless(message)}`).join("; ") + more;
}

function no(code: string, message: string): Extract<ConfigOutcome, { ok: false }> {
  return { ok: false, code, message };
}
