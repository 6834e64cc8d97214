import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type OpenStore, openStore, type Store } from "../../cloud-bridge/store/database.ts";

/** A real database in a folder that goes with the test. */
export function temporaryStore(options: Partial<OpenStore> = {}): Store & { readonly state: string } {
  const state = options.state ?? mkdtempSync(join(tmpdir(), "shao-bridge-"));
  const store = openStore({ state, nowMs: 0, ...options });
  onTestFinished(async () => {
    await store.close();
    rmSync(state, { recursive: true, force: true });
  });
  return { ...store, state };
}
