/**
 * Lane 3, the blobs, as the sender of records sees it: it shares the line with lanes 2 and 4, and goes between them.
 */
export interface LaneThree {
  /** Packet bytes of it that not even the broker has taken. */
  readonly wireBytes: number;
  /** A message of it is ready and lacks only room: lane 4 stands back. */
  readonly isWaiting: boolean;
}

export const NO_LANE_THREE: LaneThree = { wireBytes: 0, isWaiting: false };
