import { enableCompileCache } from "node:module";
import { parentPort, workerData } from "node:worker_threads";

// A thread does not share the main thread's cache.
enableCompileCache();
const { openConfiguredReader } = await import("./configured-store.ts");
const { countFigures } = await import("./analysis/figures.ts");
const { BridgeError } = await import("./store/errors.ts");

const port = parentPort;
if (port === null) throw new Error("this module is the entry of a thread");
const { db } = await openConfiguredReader(workerData);
port.on("message", async ({ id, request }) => {
  try {
    port.postMessage({ id, answer: await countFigures(db, request) });
  } catch (error) {
    const { code, status, hint, message } =
      error instanceof BridgeError
        ? error
        : {
            ...{ code: "INTERNAL_ERROR", status: 500, message: String(error) },
            hint: "It stands in the bridge's log.",
          };
    port.postMessage({ id, fault: { code, status, hint, message } });
  }
});
