/** One bit of the alarm word of a location. */
export interface AlarmBit {
  readonly bit: number;
  readonly name: string;
  /** The terminal itself, its power or its antenna, not what happens to the vehicle. */
  readonly isTrouble: boolean;
}

export const SOS_BIT = 0;
/** Set until the platform's answer: emergency, danger, area, route, ignition, displacement, door. */
const CONFIRMED_BITS = [0, 3, 20, 21, 22, 27, 28, 31];

const TROUBLE: ReadonlyMap<number, string> = new Map([
  [4, "gnss-module-fault"],
  [5, "antenna-unplugged"],
  [6, "antenna-short"],
  [7, "low-voltage"],
  [8, "power-cut"],
  [9, "display-fault"],
  [10, "speech-fault"],
  [11, "camera-fault"],
  [12, "card-reader-fault"],
  [24, "speed-sensor-fault"],
]);
const EVENTS: ReadonlyMap<number, string> = new Map([
  [1, "overspeed"],
  [2, "fatigue"],
  [3, "danger"],
  [13, "overspeed-warning"],
  [14, "fatigue-warning"],
  [15, "illegal-driving"],
  [16, "tyre-pressure"],
  [17, "blind-zone"],
  [18, "driving-time"],
  [19, "parking-time"],
  [20, "area"],
  [21, "route"],
  [22, "route-time"],
  [23, "off-route"],
  [25, "fuel"],
  [26, "stolen"],
  [27, "illegal-ignition"],
  [28, "illegal-displacement"],
  [29, "collision"],
  [30, "rollover"],
  [31, "door"],
]);

/** @source JT/T 808-2013, alarm word of 0200; bits 15 to 17: JT/T 808-2019 */
export const ALARM_BITS: readonly AlarmBit[] = [
  ...[...TROUBLE].map(([bit, name]) => ({ bit, name, isTrouble: true })),
  ...[...EVENTS].map(([bit, name]) => ({ bit, name, isTrouble: false })),
].toSorted((a, b) => a.bit - b.bit);

export function hasBit(word: number, bit: number): boolean {
  return ((word >>> bit) & 1) === 1;
}

/** Whether the terminal waits for an answer that says that the alarm was taken. */
export function needsConfirmation(alarmBits: number): boolean {
  return CONFIRMED_BITS.some((bit) => hasBit(alarmBits, bit));
}
