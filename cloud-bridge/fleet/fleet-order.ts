/** What a fleet is ordered by. */
export const FLEET_SORTS = [
  "id",
  "site",
  "unit",
  "version",
  "standing",
  "heartbeat",
  "faults",
  "outstanding",
  "unexplained",
  "unsent",
  "hoursToFull",
  "rtt",
] as const;
export type FleetSort = (typeof FLEET_SORTS)[number];

/** What it is grouped by. */
export const FLEET_GROUPS = ["unit", "site", "version", "config", "standing"] as const;
export type FleetGroup = (typeof FLEET_GROUPS)[number];
