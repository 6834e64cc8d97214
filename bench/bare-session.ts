import { fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor } from "../gateway/vision/models/onnx-runtime.ts";
import { readModel } from "../gateway/vision/models/read-manifest.ts";
import { endWithUs } from "./children.ts";

const THIS = fileURLToPath(import.meta.url);

export interface BareRun {
  /** Of one `session.run`. */
  readonly wallMs: number;
  /** All threads of its process. */
  readonly processorS: number;
}

/**
 * A model's `session.run` alone, in a process that does nothing else: what it leaves to be collected is not charged to
 * whoever measures.
 */
export async function startBareSession(folder: string): Promise<{ run(): Promise<BareRun>; end(): void }> {
  const child = fork(THIS, [folder]);
  endWithUs(child);
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`the bare session.run of ${folder} ended with ${code}`);
  });
  failed.catch(() => undefined);
  const answer = async (): Promise<BareRun> => (await Promise.race([once(child, "message"), failed]))[0];
  await answer();
  return {
    run: () => {
      child.send("run");
      return answer();
    },
    end: () => child.disconnect(),
  };
}

async function serve(folder: string): Promise<void> {
  const { manifest, bytes } = await readModel(folder);
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  });
  const { width, height } = manifest.input;
  const [name = ""] = session.inputNames;
  const values = Float32Array.from({ length: 3 * width * height }, (_, at) => (at * 7919) & 0xff);
  const feeds = { [name]: new Tensor("float32", values, [1, 3, height, width]) };
  process.on("message", async () => {
    const startedMs = performance.now();
    const before = process.cpuUsage();
    await session.run(feeds);
    const { user, system } = process.cpuUsage(before);
    process.send?.({ wallMs: performance.now() - startedMs, processorS: (user + system) / 1e6 } satisfies BareRun);
  });
  process.send?.("ready");
}

const [, program, folder] = process.argv;
if (program === THIS && folder !== undefined) await serve(folder);
