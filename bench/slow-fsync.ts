import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("slow-fsync.c", import.meta.url));

/**
 * The environment of a process for which every fsync takes `extraMs` longer. A C compiler (`cc`) builds it into `folder`.
 * @throws Error without a compiler
 */
export function slowFsync(folder: string, extraMs: number): NodeJS.ProcessEnv {
  const library = join(folder, "slow-fsync.so");
  const { status, stderr, error } = spawnSync("cc", ["-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], {
    encoding: "utf8",
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`cc did not build slow-fsync.c: ${error?.message ?? stderr}`);
  return { LD_PRELOAD: library, SHAO_SYNC_MS: String(extraMs) };
}
