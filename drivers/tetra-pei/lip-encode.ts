/** What a handset with a fresh fix reports. */
export interface SimulatedFix {
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly speedMps: number;
  readonly bearingDeg: number;
  readonly reason: number;
}

const UNKNOWN_SPEED = 127;

/** A short location report, 84 bits with its identifier. @source TS 100 392-18-1, clause 6.2.1 */
export function encodeShortReport(fix: SimulatedFix | { readonly reason: number }): Uint8Array {
  const fields: [number, number][] = [
    [0x0a, 8],
    [0, 2],
  ];
  if ("latitudeDeg" in fix) {
    const { latitudeDeg, longitudeDeg, speedMps, bearingDeg } = fix;
    fields.push([0, 2], [wrapped(longitudeDeg / 360, 25), 25], [wrapped(latitudeDeg / 180, 24), 24], [1, 3]);
    fields.push([speedCode(speedMps), 7], [Math.round(bearingDeg / 22.5) & 15, 4]);
  } else {
    fields.push([3, 2], [0, 25], [0, 24], [7, 3], [UNKNOWN_SPEED, 7], [0, 4]);
  }
  fields.push([0, 1], [fix.reason, 8]);
  const bits = fields.map(([value, count]) => value.toString(2).padStart(count, "0")).join("");
  return Uint8Array.from(bits.match(/.{1,8}/g) ?? [], (octet) => Number.parseInt(octet.padEnd(8, "0"), 2));
}

export const SHORT_REPORT_BITS = 84;

/** Two's complement of a share of the circle. */
function wrapped(share: number, count: number): number {
  const value = Math.round(share * 2 ** count);
  return ((value % 2 ** count) + 2 ** count) % 2 ** count;
}

function speedCode(speedMps: number): number {
  const kilometresPerHour = speedMps * 3.6;
  if (kilometresPerHour <= 28) return Math.round(kilometresPerHour);
  return Math.min(126, Math.round(13 + Math.log(kilometresPerHour / 16) / Math.log(1.038)));
}
