/**
 * What a meter measured within one hour: kept when its records are dropped. Seconds and valid seconds are parted by time where
 * a record lies over the hour's edge, so they need not be whole.
 */
export interface LevelHoursTable {
  node: string;
  device: string;
  /** '': the device itself. */
  subject_id: string;
  hour_ms: number;
  seconds: number;
  valid: number;
  /** Σ 10^(0.1·LAeq) over the valid seconds: LAeq of the hour is 10 lg(energy / valid). */
  energy: number;
  lamax_db: number | null;
}
