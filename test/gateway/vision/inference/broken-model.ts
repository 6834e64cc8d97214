/** A model's process that fails as the name of its model says: it answers the parent's protocol, and nothing else. */
import { readSync } from "node:fs";
import type { ToInference } from "../../../../gateway/vision/inference/messages.ts";

const DETECTED = { detections: [], preprocessMs: 0, inferenceMs: 0, postprocessMs: 0 };
let how = "";

process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToInference) => {
  if (message.kind === "open") {
    how = message.plan.manifest.name;
    if (how === "dies-at-once") process.exit(3);
    if (how !== "never-opens")
      process.send?.({ kind: "opened", model: { name: how, sha256: "0".repeat(64), labels: ["truck"] } });
    return;
  }
  const bytes = new Uint8Array(message.width * message.height * 3);
  for (let at = 0; at < bytes.length; ) at += readSync(4, bytes, at, bytes.length - at, null);
  if (how === "hangs") return;
  // The first byte says which picture: one that kills, or one that does not.
  if (bytes[0] === 66) process.kill(process.pid, "SIGKILL");
  process.send?.({ kind: "detected", id: message.id, detected: DETECTED });
});
