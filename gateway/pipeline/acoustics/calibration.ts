/** What an acoustic calibrator read on the meter, before and after a measurement, dB(A). */
export interface CalibrationReadings {
  readonly beforeDb?: number;
  readonly afterDb?: number;
}

export interface CalibrationVerdict {
  /** After − before; undefined where one of them is not known yet. */
  readonly driftDb: number | undefined;
  readonly isValid: boolean;
}

/**
 * Whether a meter stayed true. What was not measured cannot invalidate: a monitor that runs all year has no "after" yet.
 * @source GB 12523-2011: a difference of more than 0.5 dB before and after makes the result invalid
 */
export function checkCalibration({ beforeDb, afterDb }: CalibrationReadings, maxDriftDb: number): CalibrationVerdict {
  if (beforeDb === undefined || afterDb === undefined) return { driftDb: undefined, isValid: true };
  const driftDb = Math.round((afterDb - beforeDb) * 1000) / 1000;
  return { driftDb, isValid: Math.abs(driftDb) <= maxDriftDb };
}
