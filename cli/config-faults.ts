import process from "node:process";
import { type DocumentFault, type FaultLabels, renderFault } from "../protocol/document/fault.ts";
import { faultInChinese } from "../protocol/document/fault-zh.ts";
import { type Locale, systemLocale } from "./locale.ts";

const CHINESE: FaultLabels = {
  expected: (what) => `应为：${what}`,
  suggestion: (name) => `是否想写 ${name}？`,
  example: (line) => `例如：${line}`,
};

/** One fault of a config as whoever sits there reads it. */
export function faultText(file: string, text: string, fault: DocumentFault, locale: Locale = systemLocale()): string {
  return locale === "zh-CN" ? renderFault(file, text, faultInChinese(fault), CHINESE) : renderFault(file, text, fault);
}

/** Every fault of a config on stderr, then how many there are. */
export function tellConfigFaults(
  file: string,
  text: string,
  faults: readonly DocumentFault[],
  locale: Locale = systemLocale(),
): void {
  for (const fault of faults) process.stderr.write(`${faultText(file, text, fault, locale)}\n\n`);
  const count = faults.length;
  process.stderr.write(
    locale === "zh-CN"
      ? `${file}：${count} 处错误，没有启动任何东西\n`
      : `${file}: ${count} ${count === 1 ? "fault" : "faults"}, nothing was started\n`,
  );
}
