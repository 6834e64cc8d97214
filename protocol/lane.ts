/**
 * How urgent a record is to send; the sender's affair, never on the wire.
 * 0 alarm, emergency message, result, act · 1 start, time, device, newest health, what declares a loss (in lane 0 the
 * `shed` of what could not be read) ·
 * 2 live readings · 3 blobs · 4 lane-2 records of earlier sessions and older health. 0–1 keep their lane for ever.
 */
export type Lane = 0 | 1 | 2 | 3 | 4;

/** Lane of a record at the moment it is committed; `health` leaves lane 1 when a newer one commits. */
export function laneOf(record: { readonly kind: string; readonly body: unknown }): Lane {
  switch (record.kind) {
    case "alarm":
    case "result":
    case "act":
      return 0;
    case "message":
      return memberOf(record.body, "type") === "emergency" ? 0 : 2;
    case "shed":
      return isOfUrgent(record.body) ? 0 : 1;
    case "start":
    case "time":
    case "device":
    case "health":
    case "evidence-lost":
      return 1;
    default:
      return 2;
  }
}

/** What could not be read: undecodable, or corrupt where it may have been an alarm. */
function isOfUrgent(shed: unknown): boolean {
  const reason = memberOf(shed, "reason");
  if (reason !== "corrupt") return reason === "undecodable";
  const kind = memberOf(shed, "kind");
  return kind === "alarm" || kind === "message" || kind === "result" || kind === "act";
}

function memberOf(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
}
