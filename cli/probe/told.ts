import process from "node:process";
import { faultWords } from "../fault-words/fault-words.ts";
import type { Locale } from "../locale.ts";

/** What a device without a code has to be told, in Chinese, by the sentence of its JSON line. */
export const WITHOUT_CODE: Readonly<Record<string, readonly [meaning: string, act: string]>> = {
  "nothing has come from it": ["没有收到任何数据", "是否开机，是否接好？"],
  "it answers, but has no reading yet": ["有应答，但还没有读数", "接收机需要定位：让天线看到天空。"],
};

/** The JSON line of each device is English; whoever reads Chinese is told on stderr what is wrong with one, and what to do. */
export function tellAnswer(answer: Readonly<Record<string, unknown>>, locale: Locale): void {
  const sentence = answerInChinese(answer);
  if (locale === "zh-CN" && sentence !== undefined) process.stderr.write(`${sentence}\n`);
}

export function answerInChinese(answer: Readonly<Record<string, unknown>>): string | undefined {
  const { ok, device, camera, code, message, hint } = answer;
  if (ok === true || typeof message !== "string") return undefined;
  const name = String(device ?? camera ?? "");
  const [meaning, act] = WITHOUT_CODE[message] ?? [];
  if (meaning !== undefined) return `${name}：${meaning}。${act}`;
  const words = faultWords({ code: String(code ?? ""), message, hint: String(hint ?? "") }, "zh-CN");
  return `${name}：${words.message}。${words.hint}`;
}
