#!/usr/bin/env node
// Plain JavaScript on purpose: an older Node must reach the sentence below, and .ts does not even start there.
import module from "node:module";
import process from "node:process";

const MINIMUM_NODE = 24;

const major = Number(process.versions.node.split(".")[0]);
if (major < MINIMUM_NODE) {
  process.stderr.write(
    `shao needs Node ${MINIMUM_NODE} or newer, this is ${process.versions.node}.\n` +
      "Hint: run scripts/setup, then start it as scripts/shao (it uses the Node that came with the packages).\n",
  );
  process.exit(1);
}
module.enableCompileCache();
// The reader of our output went away, as `head` does: nothing is left to say.
process.stdout.on("error", (error) => {
  if (!("code" in error) || error.code !== "EPIPE") throw error;
  process.exit(0);
});
const { main } = await import("./main.ts");
await main(process.argv.slice(2));
