/** The way of live video to the bridge: it goes where the line has room, behind alarms and records, and is never queued. */
export interface LiveLine {
  /** Bytes of the largest message that may go now; 0: none. */
  roomBytes(): number;
  /** @param onTaken the broker has it @returns false: it did not go */
  send(stream: string, bytes: Uint8Array, onTaken: () => void): boolean;
}

/** Of which camera the bridge wants video now. Each ask may be of somebody who has not heard how the video begins. */
export interface WantedVideo {
  readonly camera: string;
  readonly asks: number;
}
