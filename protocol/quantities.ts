/**
 * Names and units of what a `measurement` record holds, one spelling for every driver. Other names may be used for what
 * is not listed; a listed name always has this unit. Values are of the instant unless the record says `fromMs`, `toMs`.
 */
export const QUANTITY_UNITS = {
  /** Equivalent continuous A-weighted level over the record's `fromMs` to `toMs`, or the device's own period. */
  LAeq: "dB",
  LAmax: "dB",
  LAmin: "dB",
  windSpeed: "m/s",
  /** Where the wind comes from, clockwise from true north. */
  windDirection: "°",
  /** As the gauge counts it; the README of the driver says since when. */
  rain: "mm",
  temperature: "°C",
  humidity: "%RH",
  pressure: "kPa",
  "PM2.5": "µg/m³",
  PM10: "µg/m³",
  TSP: "µg/m³",
  CO2: "ppm",
  illuminance: "lx",
} as const satisfies Readonly<Record<string, string>>;

export type ListedQuantity = keyof typeof QUANTITY_UNITS;

/** @returns the unit of a listed quantity; undefined for one that is not listed */
export function unitOf(quantity: string): string | undefined {
  return Object.hasOwn(QUANTITY_UNITS, quantity) ? QUANTITY_UNITS[quantity as ListedQuantity] : undefined;
}
