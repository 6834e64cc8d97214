import type { Locale } from "../locale.ts";
import { DEVICES_ZH } from "./devices-zh.ts";
import { HALVES_ZH } from "./halves-zh.ts";

interface Fault {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** What somebody at the keyboard meets, by its code of docs/errors.md. */
export const CHINESE: Readonly<Record<string, readonly [meaning: string, act: string]>> = {
  ...DEVICES_ZH,
  ...HALVES_ZH,
};

/** A fault in the language of the reader; the code stays, so that docs/errors.md is found. */
export function faultWords({ code, message, hint }: Fault, locale: Locale): { message: string; hint: string } {
  const words = locale === "zh-CN" ? CHINESE[code] : undefined;
  return words === undefined ? { message, hint } : { message: `${words[0]}（${code}）`, hint: words[1] };
}

/** What ended a command, for its stderr. The sentence as it was thrown has the names and numbers, so Chinese has it too. */
export function explanation(command: string, fault: Fault, locale: Locale): string {
  const { code, message, hint } = fault;
  const words = locale === "zh-CN" ? CHINESE[code] : undefined;
  return words === undefined
    ? `shao ${command}: ${message} (${code})\nHint: ${hint}\n`
    : `shao ${command}：${words[0]}（${code}）\n原文：${message}\n提示：${words[1]}\n`;
}
