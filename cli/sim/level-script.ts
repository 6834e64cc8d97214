import { readFileSync } from "node:fs";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { UsageError } from "../usage-error.ts";

/** Levels over time: each step holds so long. */
export const LevelScript = Type.Array(
  Type.Object(
    {
      levelDb: Type.Union([Type.Number({ minimum: 0, maximum: 200 }), Type.Null()]),
      seconds: Type.Number({ exclusiveMinimum: 0 }),
    },
    { additionalProperties: false },
  ),
  { minItems: 1 },
);
export type LevelScript = Static<typeof LevelScript>;

/**
 * @param text `60x120,85x40` (dB × seconds), or the name of a JSON file `[{"levelDb":60,"seconds":120},…]`; a level `-` is none
 * @throws UsageError saying what is wrong
 */
export function parseLevelScript(text: string): LevelScript {
  if (text.endsWith(".json")) {
    const value: unknown = JSON.parse(readFileSync(text, "utf8"));
    if (!Value.Check(LevelScript, value)) {
      throw new UsageError(`${text} is no list of {"levelDb": 60, "seconds": 120}`);
    }
    return value;
  }
  return text.split(",").map((step) => {
    const match = /^(-|\d{1,3}(?:\.\d+)?)x(\d+(?:\.\d+)?)$/.exec(step.trim());
    const seconds = Number(match?.[2]);
    if (match === null || !(seconds > 0)) throw new UsageError(`"${step}" is no level x seconds, such as 60x120`);
    return { levelDb: match[1] === "-" ? null : Number(match[1]), seconds };
  });
}

/** The level at that time since the start; the last one holds, unless the script loops. */
export function levelAtElapsed(script: LevelScript, elapsedMs: number, isLooping: boolean): number | null {
  const totalMs = script.reduce((sum, { seconds }) => sum + seconds * 1000, 0);
  let restMs = isLooping ? elapsedMs % totalMs : elapsedMs;
  for (const { levelDb, seconds } of script) {
    if (restMs < seconds * 1000) return levelDb;
    restMs -= seconds * 1000;
  }
  return script.at(-1)?.levelDb ?? null;
}
