import { mkdirSync, writeFileSync } from "node:fs";
import { generatedFiles } from "./generated-files.ts";

/** Writes what is derived from the source: the config schemas that editors check with. A test compares them. */
mkdirSync(new URL("../config/schema/", import.meta.url), { recursive: true });
const files = await generatedFiles();
for (const { path, text } of files) writeFileSync(new URL(`../${path}`, import.meta.url), text);
process.stderr.write(`wrote ${files.length} files: ${files.map(({ path }) => path).join(", ")}\n`);
