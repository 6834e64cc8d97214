/**
 * Lane 3, the blobs, as the sender of records sees it: it shares line, rate and budget with lanes 2 and 4, and goes between
 * them. How a second sender takes part:
 *
 * 1. It implements this interface and is given to the Sender as `laneThree`.
 * 2. After every event that either sender took, it may send as long as `facts.laneThreeBytes` is not 0, and no message larger
 *    than that. While `isWaiting`, the Sender wakes (`wake`, answered by `tick`) when the line's rate has room again.
 * 3. It tells the Sender `chunk-sent` at once for each message that it publishes, and `chunk-puback` when the broker has it:
 *    the first pays for it, the second is what the rate is measured by when files alone use the line.
 */
export interface LaneThree {
  /** Packet bytes of it that not even the broker has taken. */
  readonly wireBytes: number;
  /** A message of it is ready and lacks only room: lane 4 stands back. */
  readonly isWaiting: boolean;
}

export const NO_LANE_THREE: LaneThree = { wireBytes: 0, isWaiting: false };
