import { fileURLToPath } from "node:url";

/** Where the model of a config lies: a bare name is one of those that were shipped. */
export function modelFolder(model: string): string {
  return model.includes("/") ? model : fileURLToPath(new URL(`../../../models/${model}`, import.meta.url));
}
