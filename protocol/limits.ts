/** Version of the contract that this code writes, and those that it reads. */
export const PROTOCOL_VERSION = 1;
export const READABLE_VERSIONS: readonly number[] = [1];

/** An envelope expands to at most this. */
export const MAX_ENVELOPE_BYTES = 1024 * 1024;
export const MAX_ENVELOPE_ITEMS = 500;
export const MAX_JSON_DEPTH = 16;
/** Bytes of one record's body, and of those of lanes 0 and 1. */
export const MAX_BODY_BYTES = 16 * 1024;
export const MAX_URGENT_BODY_BYTES = 4 * 1024;
/** Largest MQTT packet that the bridge takes from an authenticated node, and from one that has not yet connected. */
export const MAX_PACKET_BYTES = 256 * 1024;
export const MAX_CONNECT_PACKET_BYTES = 1024;

/** Records and bytes that may be on their way without a receipt. */
export const WINDOW_RECORDS = 200;
export const WINDOW_BYTES = 256 * 1024;
/** Of the window, what lanes 0 and 1 always keep for themselves. */
export const URGENT_WINDOW_BYTES = 8 * 1024;

/** Seq of quarantined bytes kept per node; beyond it only seq, hash and code. */
export const QUARANTINE_BYTES_PER_NODE = 100 * 1024 * 1024;

/** A key that is raised again within this time keeps its alarmId. */
export const SAME_ALARM_MS = 10 * 60_000;
/** An alarm older than this when it arrives, or cleared before its case opens, is `late`. */
export const LATE_MS = 10 * 60_000;
export const UPDATE_EVERY_MS = 30_000;
export const HELLO_EVERY_MS = 5_000;
export const LIVE_LEASE_MS = 60_000;
