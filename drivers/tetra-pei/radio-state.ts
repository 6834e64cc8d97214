const HOME = 1;
const VISITED = 5;
const UNKNOWN_SIGNAL = 99;

/** @param lines `+CREG: <state>,<location area>,<network>`; the newest counts */
export function isRegistered(lines: readonly string[]): boolean {
  const state = Number(/^\+CREG:\s*([0-9]+)/.exec(lines.findLast((line) => line.startsWith("+CREG:")) ?? "")?.[1]);
  return state === HOME || state === VISITED;
}

/** @returns dBm; null: the radio does not know; undefined: the answer is none. @source EN 300 392-5, +CSQ: −113 + 2n dBm */
export function signalDbm(lines: readonly string[]): number | null | undefined {
  const code = /^\+CSQ:\s*([0-9]{1,3})/.exec(lines.findLast((line) => line.startsWith("+CSQ:")) ?? "")?.[1];
  if (code === undefined) return undefined;
  if (Number(code) === UNKNOWN_SIGNAL) return null;
  return Number(code) > 31 ? undefined : -113 + 2 * Number(code);
}
