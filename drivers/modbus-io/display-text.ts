import iconv from "iconv-lite";
import { DriverError } from "../errors.ts";

/**
 * A text as the registers of a display: two bytes each, the first in the upper half, the rest filled with blanks, so that
 * nothing of an earlier text stays.
 * @throws DriverError IO_TEXT_TOO_LONG, IO_TEXT_UNWRITABLE
 */
export function textRegisters(text: string, registers: number, encoding: "gbk" | "ascii" | "utf-16be"): number[] {
  const bytes = iconv.encode(text, encoding);
  if (iconv.decode(bytes, encoding) !== text) {
    throw new DriverError("IO_TEXT_UNWRITABLE", `the display's ${encoding} has not every character of the text`, {
      retry: "never",
      hint: "Leave out what it cannot show, or set the display's encoding in the config.",
    });
  }
  if (bytes.length > registers * 2) {
    throw new DriverError(
      "IO_TEXT_TOO_LONG",
      `the text needs ${bytes.length} bytes, the display has ${registers * 2}`,
      {
        retry: "never",
        hint: "Shorten it. A Chinese character takes two bytes.",
      },
    );
  }
  const blank = encoding === "utf-16be" ? [0x00, 0x20] : [0x20, 0x20];
  return Array.from({ length: registers }, (_, at) => {
    const high = bytes[at * 2] ?? blank[0] ?? 0;
    const low = bytes[at * 2 + 1] ?? blank[1] ?? 0;
    return high * 256 + low;
  });
}
