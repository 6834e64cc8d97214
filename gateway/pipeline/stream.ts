import type { Subject } from "../../protocol/ids.ts";

/** One series of levels: a device, or one subject behind it. */
export interface Stream {
  readonly device: string;
  readonly subject?: Subject;
}

/** Name of a stream in the journal's working table, without spaces. */
export function streamKey({ device, subject }: Stream): string {
  return subject === undefined ? device : `${device}|${subject.type}|${encodeURIComponent(subject.id)}`;
}

/** The stream of a key; undefined for what is none. */
export function streamOfKey(key: string): Stream | undefined {
  const [device = "", type, id] = key.split("|");
  if (device === "" || device.startsWith("#")) return undefined;
  if (type === undefined || id === undefined) return { device };
  if (type !== "issi" && type !== "terminal" && type !== "station" && type !== "track") return undefined;
  return { device, subject: { type, id: decodeURIComponent(id) } };
}

/** The stream of an alarm as the journal keeps it: a device, and its subject as `subjectKey` wrote it. */
export function streamOfAlarm(device: string, subject: string): Stream {
  const [type = "", ...id] = subject.split(":");
  const key = subject === "" ? device : `${device}|${type}|${encodeURIComponent(id.join(":"))}`;
  return streamOfKey(key) ?? { device };
}
