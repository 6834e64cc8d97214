import { enableCompileCache } from "node:module";
import { forgetStart, START_OVER_MS } from "../contracts/start-memory.ts";

// A thread does not share the main thread's cache: without its own it strips and compiles everything again, which costs
// half a second and 40 MB on a small box.
enableCompileCache();
await import("./worker.ts");
setTimeout(forgetStart, START_OVER_MS).unref();
