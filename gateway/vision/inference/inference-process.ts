import { type ChildProcess, fork } from "node:child_process";
import process from "node:process";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../../drivers/driver.ts";
import { GatewayError } from "../../contracts/gateway-error.ts";
import type { Logger } from "../../contracts/logger.ts";
import type { CameraTrouble } from "../../contracts/vision.ts";
import type { Detected } from "../models/model-session.ts";
import type { Picture } from "../models/picture.ts";
import type { ModelPlan } from "../models/read-graph.ts";
import { readPlan } from "../models/read-manifest.ts";
import { CrashLedger } from "./crash-ledger.ts";
import { type FromInference, type OpenedModel, PICTURE_PIPE, type ToInference } from "./messages.ts";

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const GRACE_MS = 500;
/** A timer that is later than this was kept from it by more than other work. */
const STOOD_MS = 1000;

export interface InferenceSettings {
  /** The model's folder. */
  readonly folder: string;
  /** A picture that takes longer costs the process its life. */
  readonly deadlineMs: number;
  readonly openDeadlineMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random?: () => number;
  /** Another program in its place, for tests of what a broken one does. */
  readonly program?: string;
}

export interface InferenceFacts {
  readonly state: "starting" | "ready" | "down" | "quarantined" | "closed";
  /** Why it is not ready; absent while it is, and at the first start. */
  readonly why?: CameraTrouble;
  readonly model?: OpenedModel;
  readonly pid?: number;
  /** Since when it is not ready; absent while it is. */
  readonly downSinceUpMs?: number;
  readonly starts: number;
  readonly inferences: number;
}

interface Waiting {
  readonly picture: Picture;
  readonly settle: PromiseWithResolvers<Detected>;
}

interface Running {
  readonly child: ChildProcess;
  readonly pipe: Writable;
  readonly ended: PromiseWithResolvers<GatewayError>;
}

/**
 * One model in a process of its own, started again with back-off when it dies. One picture is in flight; who comes meanwhile
 * waits in line, so a caller with one picture at a time never has more than one waiting.
 */
export class InferenceProcess {
  readonly #settings: InferenceSettings;
  readonly #crashes: CrashLedger;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  readonly #line: Waiting[] = [];
  #inFlight: (Waiting & { readonly id: number; readonly deadline: AbortController }) | undefined;
  #running: Running | undefined;
  #reading: Promise<ModelPlan | GatewayError> | undefined;
  #ready = Promise.withResolvers<OpenedModel>();
  #facts: InferenceFacts = { state: "starting", starts: 0, inferences: 0 };
  #nextId = 1;

  constructor(settings: InferenceSettings) {
    this.#settings = settings;
    this.#crashes = new CrashLedger(settings.random);
    this.#ready.promise.catch(() => undefined);
    this.#done = this.#keepRunning();
  }

  get facts(): InferenceFacts {
    return this.#facts;
  }

  /** Resolves once the model is loaded, again after each restart; rejects when this is closed. */
  ready(): Promise<OpenedModel> {
    return this.#ready.promise;
  }

  /**
   * The picture's bytes are this one's until it settles.
   * @throws GatewayError INFERENCE_DOWN (wait for `ready`), INFERENCE_LOST, INFERENCE_DEADLINE, or what the model threw
   */
  detect(picture: Picture): Promise<Detected> {
    const { state } = this.#facts;
    if (state !== "ready") return Promise.reject(down(this.#settings.folder, state));
    const settle = Promise.withResolvers<Detected>();
    this.#line.push({ picture, settle });
    this.#next();
    return settle.promise;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#running?.child.kill("SIGKILL");
    await this.#done;
  }

  async #keepRunning(): Promise<void> {
    const { clock, folder, log } = this.#settings;
    const { signal } = this.#stop;
    let said = "";
    while (!signal.aborted) {
      const reason = await this.#runOnce();
      if (signal.aborted) break;
      const verdict = this.#crashes.crashed(clock.upMs(), reason.code);
      const code = verdict.isQuarantined ? "MODEL_QUARANTINED" : reason.code;
      const why = { code, message: reason.message, hint: reason.hint };
      this.#become({ state: verdict.isQuarantined ? "quarantined" : "down", why });
      const fields = { model: folder, code, cause: reason.message, retryInMs: verdict.pauseMs, hint: reason.hint };
      // A broken model is said once, not at every try.
      if (code !== said) {
        const sentence = verdict.isQuarantined ? "model keeps crashing, rests" : "model not running, will retry";
        log.error(fields, sentence);
      }
      said = code;
      await clock.sleep(verdict.pauseMs, signal);
    }
    this.#become({ state: "closed" });
    this.#ready.reject(down(folder, "closed"));
  }

  /** @returns why it ended */
  async #runOnce(): Promise<GatewayError> {
    const { folder, openDeadlineMs, clock } = this.#settings;
    this.#become({ state: "starting", starts: this.#facts.starts + 1 });
    const plan = await this.#plan();
    if (plan instanceof GatewayError) return plan;
    const child = fork(this.#settings.program ?? CHILD, [], {
      stdio: ["ignore", "ignore", "inherit", "ipc", "pipe"],
      serialization: "advanced",
      // As the gateway itself runs: what lives for one picture needs no 16 MiB, and code compiled for these options is shared.
      execArgv: ["--max-semi-space-size=2"],
      // It computes with one thread: a second arena is 4 MiB of holes.
      env: { ...process.env, MALLOC_ARENA_MAX: "1" },
    });
    const pipe = child.stdio[PICTURE_PIPE] as Writable;
    const running: Running = { child, pipe, ended: Promise.withResolvers<GatewayError>() };
    this.#running = running;
    const opening = new AbortController();
    this.#killAfter(running, openDeadlineMs, opening.signal);
    // The end of the process is told by `exit`; a broken pipe before it says nothing more.
    pipe.on("error", () => undefined);
    child.on("error", (error) => running.ended.resolve(lost(folder, error.message)));
    child.on("exit", (exit, signal) => running.ended.resolve(lost(folder, signal ?? `exit code ${exit}`)));
    child.on("message", (message) => {
      const answer = message as FromInference;
      if (answer.kind === "opened") opening.abort();
      this.#heard(running, answer);
    });
    send(child, { kind: "open", plan });
    const reason = await running.ended.promise;
    opening.abort();
    this.#running = undefined;
    // Said before anybody hears of it: who asks again at once must not wait for a process that is no more.
    this.#become({ state: "down" });
    await ended(child, clock);
    this.#failAll(reason);
    return reason;
  }

  /** What the manifests say, or why not. A disk that hangs keeps one reader, however often it is tried. */
  async #plan(): Promise<ModelPlan | GatewayError> {
    const { folder, openDeadlineMs } = this.#settings;
    this.#reading ??= readPlan(folder)
      .catch((error: unknown) => (error instanceof GatewayError ? error : broken(folder, error)))
      .finally(() => {
        this.#reading = undefined;
      });
    const over = new AbortController();
    const late = this.#passed(openDeadlineMs, AbortSignal.any([over.signal, this.#stop.signal])).then((isPassed) =>
      isPassed ? deadline(folder, openDeadlineMs) : down(folder, "closed"),
    );
    const plan = await Promise.race([this.#reading, late]);
    over.abort();
    return this.#stop.signal.aborted ? down(folder, "closed") : plan;
  }

  #heard(running: Running, answer: FromInference): void {
    if (answer.kind === "opened") {
      this.#become({ state: "ready", model: answer.model });
      this.#ready.resolve(answer.model);
      this.#next();
      return;
    }
    const error =
      answer.kind === "failed" ? new GatewayError(answer.code, answer.message, { hint: answer.hint }) : undefined;
    const { id } = answer;
    if (id === undefined) {
      this.#kill(running, error ?? lost(this.#settings.folder, "no model"));
      return;
    }
    const waiting = this.#inFlight;
    if (waiting?.id !== id) return;
    this.#inFlight = undefined;
    waiting.deadline.abort();
    if (answer.kind === "detected") {
      this.#crashes.worked();
      this.#facts = { ...this.#facts, inferences: this.#facts.inferences + 1 };
      waiting.settle.resolve(answer.detected);
    } else {
      waiting.settle.reject(error);
    }
    this.#next();
  }

  #next(): void {
    const running = this.#running;
    if (running === undefined || this.#inFlight !== undefined || this.#facts.state !== "ready") return;
    const waiting = this.#line.shift();
    if (waiting === undefined) return;
    const id = this.#nextId++;
    const timeout = new AbortController();
    this.#inFlight = { ...waiting, id, deadline: timeout };
    this.#killAfter(running, this.#settings.deadlineMs, timeout.signal);
    const { width, height, rgb } = waiting.picture;
    send(running.child, { kind: "detect", id, width, height });
    running.pipe.write(rgb);
  }

  #killAfter(running: Running, ms: number, signal: AbortSignal): void {
    void this.#passed(ms, signal).then((isPassed) => {
      if (isPassed) this.#kill(running, deadline(this.#settings.folder, ms));
    });
  }

  /** @returns false where `signal` came first */
  async #passed(ms: number, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#settings;
    const fromUpMs = clock.upMs();
    await clock.sleep(ms, signal);
    // It was this process that stood still: half of the picture may be on its way, or the answer waits to be read.
    const stoodMs = clock.upMs() - fromUpMs - ms;
    if (!signal.aborted && stoodMs > STOOD_MS) await clock.sleep(ms, signal);
    return !signal.aborted;
  }

  #kill(running: Running, reason: GatewayError): void {
    running.ended.resolve(reason);
    running.child.kill("SIGKILL");
  }

  #failAll(reason: GatewayError): void {
    const waiting = this.#inFlight === undefined ? this.#line.splice(0) : [this.#inFlight, ...this.#line.splice(0)];
    this.#inFlight?.deadline.abort();
    this.#inFlight = undefined;
    for (const { settle } of waiting) settle.reject(reason);
  }

  #become(change: Partial<InferenceFacts> & Pick<InferenceFacts, "state">): void {
    if (this.#facts.state === "ready" && change.state !== "ready") {
      this.#ready = Promise.withResolvers();
      this.#ready.promise.catch(() => undefined);
    }
    const { why, pid: _, downSinceUpMs = this.#settings.clock.upMs(), ...rest } = this.#facts;
    const pid = this.#running?.child.pid;
    const running = pid === undefined ? {} : { pid };
    const waiting = { downSinceUpMs, ...(why === undefined ? {} : { why }) };
    this.#facts = { ...rest, ...(change.state === "ready" ? running : waiting), ...change };
  }
}

function send(child: ChildProcess, message: ToInference): void {
  if (child.connected) child.send(message, () => undefined);
}

/** A killed process is gone before another one starts. */
async function ended(child: ChildProcess, clock: Clock): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const stop = new AbortController();
  const exit = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await Promise.race([exit, clock.sleep(GRACE_MS, stop.signal)]);
  stop.abort();
  child.kill("SIGKILL");
}

function down(folder: string, state: InferenceFacts["state"]): GatewayError {
  return new GatewayError("INFERENCE_DOWN", `the model ${folder} is ${state}`, {
    hint: "It is started again by itself; the log says why it ended.",
  });
}

function broken(folder: string, error: unknown): GatewayError {
  return new GatewayError("INFERENCE_FAULT", `the manifest of ${folder}: ${String(error)}`, {
    hint: "Report it with the model's manifest and the log around it.",
    cause: error,
  });
}

function lost(folder: string, how: string): GatewayError {
  return new GatewayError("INFERENCE_LOST", `the process of the model ${folder} ended: ${how}`, {
    hint: "If it repeats: is there memory enough, and was the model exported for this version of ONNX Runtime?",
  });
}

function deadline(folder: string, ms: number): GatewayError {
  return new GatewayError("INFERENCE_DEADLINE", `the model ${folder} did not answer within ${ms} ms`, {
    hint: "This box is too slow for the model or overloaded; take a smaller model, or raise vision.judge.deadlineMs.",
  });
}
