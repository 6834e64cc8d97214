import { type Static, Type } from "typebox";

/** One gateway. Also its MQTT client id, its certificate's common name and the second level of its topics. */
export const NodeId = Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,62}$" });
export type NodeId = Static<typeof NodeId>;

/** One start of the gateway process: 16 random bytes, base64url without padding. Drawn anew at each start, never reused. */
export const RunId = Type.String({ pattern: "^[A-Za-z0-9_-]{22}$" });
export type RunId = Static<typeof RunId>;

/** Number of a record within its run. The first is 1. */
export const Seq = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
export type Seq = Static<typeof Seq>;

/** How many, or how many bytes: no more than every store and reader can hold. */
export const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** What a driver serves, named by the config of its node. */
export const DeviceId = Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,62}$" });
export type DeviceId = Static<typeof DeviceId>;

/** Whom or what a value is about when it is not the device itself: a handset behind a radio, a terminal, a station, a track. */
export const Subject = Type.Object({
  type: Type.Union([Type.Literal("issi"), Type.Literal("terminal"), Type.Literal("station"), Type.Literal("track")]),
  id: Type.String({ minLength: 1, maxLength: 64 }),
});
export type Subject = Static<typeof Subject>;

/** UUIDv7 made on the edge; one for as long as a key (node, device, subject, rule) stays raised or is raised again within 10 min. */
export const AlarmId = Type.String({
  pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
});
export type AlarmId = Static<typeof AlarmId>;

/** Lower-case hex of a SHA-256. */
export const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
export type Sha256 = Static<typeof Sha256>;

/** UTC in milliseconds since 1970. */
export const AtMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** Milliseconds since the start of the run, monotonic. */
export const UpMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** Where the node's UTC came from when it stamped a record; `none`: the clock was never set in this run. */
export const TimeQuality = Type.Union([
  Type.Literal("gnss"),
  Type.Literal("ntp"),
  Type.Literal("rtc"),
  Type.Literal("none"),
]);
export type TimeQuality = Static<typeof TimeQuality>;

/** WGS-84, always; conversion to a map's datum happens at display only. */
export const Position = Type.Object({
  latitudeDeg: Type.Number({ minimum: -90, maximum: 90 }),
  longitudeDeg: Type.Number({ minimum: -180, maximum: 180 }),
  accuracyM: Type.Optional(Type.Number({ minimum: 0 })),
});
export type Position = Static<typeof Position>;
