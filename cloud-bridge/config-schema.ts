import { type Static, Type } from "typebox";
import { BrokerChoice } from "./broker-schema.ts";
import { Channels } from "./channels-schema.ts";
import { Dispatch } from "./dispatch-schema.ts";
import { StoreChoice } from "./store-schema.ts";

const Port = (title: string, example: number) =>
  Type.Integer({ minimum: 0, maximum: 65_535, title, description: "0: the system chooses.", examples: [example] });

const Days = (days: number, title: string, more: { description?: string; minimum?: number; maximum?: number } = {}) =>
  Type.Integer({ minimum: 2, maximum: 36_500, default: days, title, ...more });

/** The bridge's YAML. Each property has its default here and nowhere else; one without a default must be given. */
export const BridgeDocument = Type.Object(
  {
    listen: Type.Object(
      {
        host: Type.String({
          pattern: "^[0-9A-Za-z.:-]{1,253}$",
          default: "127.0.0.1",
          title: "Address to listen on",
          description: "Off loopback only with TLS, which is the default.",
          expected: "an address or a host name",
          examples: ["0.0.0.0"],
        }),
        mqtt: Port("Port for nodes (MQTT)", 8883),
        http: Port("Port for people (HTTPS)", 8443),
        publicHost: Type.Optional(
          Type.String({
            pattern: "^[0-9A-Za-z.:-]{1,253}$",
            title: "Name under which others reach it",
            description:
              "Stands in the certificate, in links and in enrolment tokens. The listening address where left out.",
            expected: "a host name or an address",
            examples: ["bridge.example"],
          }),
        ),
      },
      { title: "Listeners", examples: [{ host: "127.0.0.1", mqtt: 8883, http: 8443 }] },
    ),
    state: Type.String({
      minLength: 1,
      maxLength: 1024,
      title: "Folder of the bridge's state",
      description: "Database, CA and keys; relative to the folder in which the bridge is started.",
      examples: ["./state/bridge"],
    }),
    store: StoreChoice,
    broker: BrokerChoice,
    timeZone: Type.String({
      minLength: 1,
      maxLength: 64,
      title: "Time zone",
      description: "IANA name, for rosters and pages.",
      expected: "an IANA time zone",
      examples: ["Asia/Shanghai"],
    }),
    topicPrefix: Type.String({ pattern: "^[A-Za-z0-9_-]{1,32}$", default: "shao", title: "First level of all topics" }),
    insecureLoopback: Type.Boolean({
      default: false,
      title: "No TLS",
      description: "Plain MQTT and HTTP, for tests: only on 127.0.0.1 or ::1.",
    }),
    dispatch: Dispatch,
    channels: Channels,
    grouping: Type.Object(
      {
        radiusM: Type.Number({ minimum: 0, maximum: 50_000, default: 200, title: "Alarms within, metres" }),
        minutes: Type.Number({ minimum: 0, maximum: 1440, default: 30, title: "and minutes of the last join a case" }),
      },
      { default: {}, title: "Grouping of alarms into cases" },
    ),
    verification: Type.Object(
      {
        quietMinutes: Type.Number({ minimum: 1, maximum: 1440, default: 10, title: "Minutes of proven quiet" }),
        giveUpHours: Type.Number({
          minimum: 0.1,
          maximum: 720,
          default: 12,
          title: "Hours after which a person must decide",
        }),
        reopenHours: Type.Number({ minimum: 0, maximum: 720, default: 24, title: "Recurrence reopens within, hours" }),
      },
      { default: {}, title: "Sensor-verified closure" },
    ),
    whistles: Type.Object(
      {
        review: Type.Boolean({
          default: true,
          title: "A whistle starts once the district has reviewed it",
          description: "Otherwise as soon as a street or community has blown it.",
        }),
      },
      { default: {}, title: "Whistles (吹哨报到)" },
    ),
    evidence: Type.Object(
      {
        maxGigabytes: Type.Number({
          minimum: 0.001,
          maximum: 1_000_000,
          default: 64,
          title: "Largest size of all evidence files, GB",
          description:
            "Beyond it go files of cases that ended longer than `retention.casesDays` ago, the oldest first; nodes keep what finds no room.",
        }),
        maxGigabytesPerNode: Type.Number({
          minimum: 0.001,
          maximum: 1_000_000,
          default: 16,
          title: "and of one node's, GB",
        }),
        keepDays: Type.Optional(
          Type.Number({
            minimum: 1,
            maximum: 36_500,
            title: "Days that files are kept after their case has ended",
            description: "As long as there is room, where left out.",
            examples: [730],
          }),
        ),
      },
      { default: {}, title: "Evidence files" },
    ),
    silence: Type.Object(
      {
        deviceSeconds: Type.Number({
          minimum: 10,
          maximum: 86_400,
          default: 180,
          title: "A device is silent after, seconds",
        }),
        nodeSeconds: Type.Number({
          minimum: 10,
          maximum: 86_400,
          default: 180,
          title: "A node is silent after, seconds",
        }),
        clockSeconds: Type.Number({
          minimum: 0,
          maximum: 86_400,
          default: 90,
          title: "A node without trusted time is a fault from, seconds after its start",
          description: "NTP or a receiver needs so long; an alarm whose age nobody knows is live all the same.",
        }),
      },
      { default: {}, title: "Silence limits", description: "Beyond them the bridge raises its own fault alarm." },
    ),
    retention: Type.Object(
      {
        recordsDays: Days(400, "Days that records are kept", {
          description: "By the day of their arrival. Cases, alarms and the account of every record stay.",
        }),
        levelsDays: Days(400, "Days that levels and measurements are kept"),
        hoursDays: Days(1830, "Days that the hourly levels of a meter are kept", {
          description: "One row for each hour of each meter, from which figures and long curves are made.",
        }),
        positionsDays: Days(400, "Days that positions are kept"),
        healthDays: Days(400, "Days that the health of nodes and devices is kept"),
        casesDays: Days(1095, "Days that a case keeps its records after it has ended", {
          minimum: 30,
          description:
            "From an hour before each of its alarms to an hour after its end, whatever the other terms say. An open case keeps them all.",
        }),
        quarantineDays: Days(400, "Days that unreadable records are kept", {
          description: "Their number, hash and reason stay.",
        }),
        eventsDays: Days(1, "Days that a page which was away can catch up with", { minimum: 1, maximum: 30 }),
        budgetGiB: Type.Optional(
          Type.Number({
            minimum: 0.1,
            maximum: 1_000_000,
            title: "What database and evidence may take, GiB",
            description:
              "Beyond it levels, positions and health of the oldest days go, down to the last two days; never alarms, messages, or what an open case needs.",
            examples: [50],
          }),
        ),
        minFreeGiB: Type.Number({
          minimum: 0,
          maximum: 100_000,
          default: 2,
          title: "What must stay free on the disk, GiB",
          description:
            "Of a small disk 5 %. Below twice this a fault alarm is raised; below it the same goes as beyond the budget.",
        }),
      },
      { default: {}, title: "Retention" },
    ),
  },
  { title: "Bridge", expected: "a bridge config: listen, state, store, timeZone, dispatch" },
);
export type BridgeDocument = Static<typeof BridgeDocument>;
