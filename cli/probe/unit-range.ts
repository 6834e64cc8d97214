import { UsageError } from "../usage-error.ts";

/** Modbus units from one to the other, both asked. */
export interface UnitRange {
  readonly first: number;
  readonly last: number;
}

/** @param text such as 1-16, or 7. @throws UsageError */
export function unitRange(text: string): UnitRange {
  const [, from = "", to = from] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === "" || first < 1 || last > 247 || first > last) {
    throw new UsageError(`"${text}" is no range of units, such as 1-16`);
  }
  return { first, last };
}
