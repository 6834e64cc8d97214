import process from "node:process";

export type Locale = "en" | "zh-CN";

/** What the account's environment asks for, in the order of POSIX: LC_ALL, LC_MESSAGES, LANG. */
export function systemLocale(env: NodeJS.ProcessEnv = process.env): Locale {
  const named = [env["LC_ALL"], env["LC_MESSAGES"], env["LANG"]].find((value) => value !== undefined && value !== "");
  return named?.toLowerCase().startsWith("zh") === true ? "zh-CN" : "en";
}
