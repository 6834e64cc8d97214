import iconv from "iconv-lite";
import { DriverError } from "../errors.ts";

/** @throws DriverError JT808_TEXT where a character has no place in GBK: a question mark instead would be another text */
export function gbkBytes(text: string): Uint8Array {
  const bytes = Uint8Array.from(iconv.encode(text, "gbk"));
  if (gbkText(bytes) === text) return bytes;
  const lost = [...text].find((character) => gbkText(Uint8Array.from(iconv.encode(character, "gbk"))) !== character);
  throw new DriverError("JT808_TEXT", `terminals cannot show ${JSON.stringify(lost ?? text.slice(0, 20))}`, {
    retry: "never",
    hint: "JT/T 808 carries GBK: write it without emoji and rare characters.",
  });
}

/** Up to the first NUL, with which terminals fill their fields. */
export function gbkText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return iconv.decode(bytes.subarray(0, end < 0 ? undefined : end), "gbk");
}
