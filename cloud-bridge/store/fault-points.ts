/** Between an alarm that is stored and a crew that was told. */
export const DESK_FAULT_POINTS = [
  /** A follow-up half turned into a case, nothing committed. */
  "bridge-mid-follow-up",
  /** Case committed; where its policy waits, its assignment is not yet made. */
  "bridge-after-case-commit",
  /** Assignment half written, nothing committed. */
  "bridge-mid-assignment",
  /** Assignment committed, the crew not yet notified. */
  "bridge-before-notify",
  /** Crew notified, the proof of delivery not yet committed. */
  "bridge-after-notify",
  /** A timer's act half written, nothing committed. */
  "bridge-mid-timer",
] as const;

/** Where the bridge may be told to die (`--fault-point NAME[:N]`): each stands between two things that must not come apart. */
export const FAULT_POINTS = [
  /** A step of the schema is half made, nothing committed. */
  "bridge-mid-migration",
  /** A batch that holds records is decoded, its transaction open, nothing committed. */
  "bridge-mid-ingest",
  /** The same with hello pages alone: no record is at stake. */
  "bridge-mid-hello",
  /** Batch committed, its receipt not yet published. */
  "bridge-before-receipt",
  /** Receipt published, the desk not yet woken. */
  "bridge-after-receipt",
  /** A chunk of a file is written, nothing is said. */
  "bridge-mid-blob",
  /** A file is whole, checked and on the disk, with its row; its `stored` is not yet published. */
  "bridge-before-blob-receipt",
  ...DESK_FAULT_POINTS,
] as const;

/** Promises that a bridge can be told to break, so that the fault tests are seen to go red. */
export const NEGATIVE_CONTROLS = [
  /** The keys that make a case happen once are dropped. */
  "no-unique-key",
  /** The database does not wait for the disk at a commit. */
  "synchronous-normal",
] as const;
export type NegativeControl = (typeof NEGATIVE_CONTROLS)[number];

export type FaultPoint = (typeof FAULT_POINTS)[number];

export interface FaultPoints {
  /** Does nothing unless this point was asked to kill the process. */
  reach(name: FaultPoint): void;
}

export const noFaultPoints: FaultPoints = { reach: () => {} };

/**
 * @param specification `NAME` or `NAME:N`: act when the point is reached for the N-th time
 * @param act what happens then; the process kills itself unless a test says otherwise
 * @throws RangeError for an unknown name or a count below 1
 */
export function armFaultPoint(
  specification: string,
  act: () => void = () => process.kill(process.pid, "SIGKILL"),
): FaultPoints {
  const [name, count = "1"] = specification.split(":");
  const wanted = FAULT_POINTS.find((point) => point === name);
  if (wanted === undefined) throw new RangeError(`no fault point ${name}; there are ${FAULT_POINTS.join(", ")}`);
  let left = Number(count);
  if (!Number.isSafeInteger(left) || left < 1) throw new RangeError(`not a count: ${count}`);
  return {
    reach(reached) {
      if (reached !== wanted) return;
      left -= 1;
      if (left === 0) act();
    },
  };
}
