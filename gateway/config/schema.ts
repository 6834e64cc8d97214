import { type Static, Type } from "typebox";
import { Camera, Live } from "./camera-schema.ts";
import { LevelWatch } from "./level-watch-schema.ts";
import { ParkingDocument } from "./parking-schema.ts";
import { AnyRule } from "./rule-schema.ts";
import { Judge } from "./violation-schema.ts";

const NAME_FORM = { expected: "a name of small letters, digits and -, at most 63", examples: ["noise-01"] };
const NAME_PATTERN = "^[a-z0-9][a-z0-9-]{0,62}$";

const BaudRate = Type.Integer({ minimum: 300, maximum: 1_000_000, default: 9600, title: "Baud rate" });

const SerialBus = Type.Object(
  {
    serial: Type.String({
      minLength: 1,
      maxLength: 256,
      title: "Serial port",
      description: "By its by-id path, which stays the same when another adapter is plugged in.",
      expected: "the path of a serial port",
      examples: ["/dev/serial/by-id/usb-FTDI_FT232R-if00-port0"],
    }),
    baudRate: BaudRate,
    parity: Type.Union([Type.Literal("none"), Type.Literal("even"), Type.Literal("odd")], {
      default: "none",
      title: "Parity",
    }),
    stopBits: Type.Union([Type.Literal(1), Type.Literal(2)], { default: 1, title: "Stop bits" }),
  },
  { title: "Bus on a serial port" },
);

const TcpBus = Type.Object(
  {
    tcp: Type.String({
      pattern: "^(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]/\\s]+):[0-9]{1,5}$",
      title: "Serial server or Modbus TCP device",
      expected: "host:port",
      examples: ["192.168.1.20:502"],
    }),
    framing: Type.Union([Type.Literal("rtu"), Type.Literal("tcp")], {
      title: "Framing",
      description:
        "`rtu` behind a transparent serial server, `tcp` for Modbus TCP (MBAP). No default: a wrong one reads nothing.",
      examples: ["tcp"],
    }),
  },
  { title: "Bus over TCP" },
);

export const Bus = Type.Union([SerialBus, TcpBus], {
  expected: "a bus: `serial: PATH`, or `tcp: HOST:PORT` with `framing: rtu|tcp`",
  examples: [{ serial: "/dev/ttyUSB0", baudRate: 9600 }],
});
export type Bus = Static<typeof Bus>;

const TimeZone = Type.String({
  minLength: 1,
  maxLength: 64,
  title: "Time zone",
  description: "IANA name. Night and day of the rules are those of this zone.",
  expected: "an IANA time zone",
  examples: ["Asia/Shanghai"],
});

const Site = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200, title: "Name", examples: ["Guanghua Road block 7"] }),
    timeZone: TimeZone,
    address: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, title: "Address, for findings", examples: ["7 Guanghua Road"] }),
    ),
    unit: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, title: "Unit that answers for the site, for findings" }),
    ),
    latitudeDeg: Type.Optional(
      Type.Number({ minimum: -90, maximum: 90, title: "Latitude, WGS-84", examples: [39.912] }),
    ),
    longitudeDeg: Type.Optional(
      Type.Number({ minimum: -180, maximum: 180, title: "Longitude, WGS-84", examples: [116.456] }),
    ),
  },
  {
    title: "Site",
    description: "The place that this node watches; left out for a vehicle.",
    examples: [{ name: "Guanghua Road block 7", timeZone: "Asia/Shanghai" }],
  },
);

const Bridge = Type.Object(
  {
    url: Type.String({
      pattern: "^mqtts?://[^\\s/]+/?$",
      title: "Address of the bridge's broker",
      expected: "mqtts://HOST:PORT",
      examples: ["mqtts://bridge.example:8883"],
    }),
    topicPrefix: Type.String({
      pattern: "^[A-Za-z0-9_-]{1,32}$",
      default: "shao",
      title: "First level of all topics",
    }),
    insecureLoopback: Type.Boolean({
      default: false,
      title: "Allow mqtt:// without TLS",
      description: "Only to 127.0.0.1 or ::1, for tests.",
    }),
    rateBytesPerS: Type.Optional(
      Type.Integer({
        minimum: 500,
        maximum: 1_000_000_000,
        title: "Rate of the link",
        description: "Bytes a second that the node may send; measured where left out.",
        examples: [8000],
      }),
    ),
    dailyBytes: Type.Optional(
      Type.Integer({
        minimum: 1_000_000,
        maximum: 1_000_000_000_000,
        title: "Bytes of a day",
        description:
          "What a metered line may carry on one day of the site's zone, both ways. At four fifths files and backlog wait; at all of it readings too, never alarms.",
        examples: [50_000_000],
      }),
    ),
  },
  { title: "Bridge", examples: [{ url: "mqtts://bridge.example:8883" }] },
);

const Permit = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 64, title: "Number of the permit", examples: ["2026-CY-0117"] }),
    from: Type.String({
      pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d)?(Z|[+-]\\d\\d:\\d\\d)?$",
      title: "From",
      description: "Local time of the site unless an offset is given.",
      expected: "a date and time",
      examples: ["2026-11-21T22:00"],
    }),
    to: Type.String({
      pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d)?(Z|[+-]\\d\\d:\\d\\d)?$",
      title: "To",
      expected: "a date and time",
      examples: ["2026-11-22T06:00"],
    }),
    rules: Type.Optional(
      Type.Array(Type.String({ pattern: NAME_PATTERN }), {
        title: "Rules that it covers",
        description: "All of them where left out.",
        minItems: 1,
        examples: [["night-noise"]],
      }),
    ),
  },
  {
    title: "Night work permit (夜间施工许可)",
    description: "An alarm within it is recorded and shown, and not dispatched by default.",
  },
);

/** Devices before their drivers have looked at them: each driver's own schema is laid over this one. */
const DeviceStub = Type.Unsafe<Record<string, unknown>>({
  title: "Device",
  expected: "a device: `driver: KIND` and that driver's settings",
  examples: [{ driver: "modbus-noise", bus: "rs485", unit: 1 }],
});

/**
 * The gateway's YAML. Each property has its default here and nowhere else; one without a default must be given. The
 * settings of a device are its driver's and stand in drivers/<kind>/config.ts.
 */
export const GatewayDocument = Type.Object(
  {
    node: Type.String({
      pattern: NAME_PATTERN,
      title: "Id of this node",
      description: "Also its certificate's name and part of its topics.",
      expected: NAME_FORM.expected,
      examples: ["site-042"],
    }),
    site: Type.Optional(Site),
    timeZone: Type.Optional(TimeZone),
    bridge: Bridge,
    state: Type.String({
      minLength: 1,
      maxLength: 1024,
      title: "Folder of the node's state",
      description: "Journal, key and certificate; relative to the folder in which the gateway is started.",
      examples: ["./state/site-042"],
    }),
    buses: Type.Record(Type.String({ pattern: NAME_PATTERN }), Bus, {
      default: {},
      title: "Buses that devices share",
      keyForm: { expected: NAME_FORM.expected, examples: ["rs485"] },
    }),
    devices: Type.Record(Type.String({ pattern: NAME_PATTERN }), DeviceStub, {
      default: {},
      title: "Devices",
      keyForm: NAME_FORM,
    }),
    cameras: Type.Record(Type.String({ pattern: NAME_PATTERN }), Camera, {
      default: {},
      title: "Cameras",
      keyForm: { expected: NAME_FORM.expected, examples: ["gate"] },
    }),
    rules: Type.Record(Type.String({ pattern: NAME_PATTERN }), AnyRule, {
      default: {},
      title: "Rules",
      keyForm: { expected: NAME_FORM.expected, examples: ["night-noise"] },
    }),
    levelWatch: LevelWatch,
    permits: Type.Array(Permit, { default: [], title: "Night work permits", maxItems: 1000 }),
    position: Type.Object(
      {
        minMoveM: Type.Number({ minimum: 0, maximum: 10_000, default: 20, title: "Distance between two positions" }),
        minTurnDeg: Type.Number({ minimum: 1, maximum: 180, default: 30, title: "Turn that makes a position" }),
        movingEveryMs: Type.Integer({
          minimum: 1000,
          maximum: 3_600_000,
          default: 10_000,
          title: "At least this often on the move",
        }),
        standingEveryMs: Type.Integer({
          minimum: 1000,
          maximum: 3_600_000,
          default: 30_000,
          title: "At least this often at a stand",
        }),
        standstillMps: Type.Number({ minimum: 0, maximum: 20, default: 1, title: "Slower is standing" }),
        holdRadiusM: Type.Number({
          minimum: 1,
          maximum: 1000,
          default: 15,
          title: "Drift that is still the same place",
        }),
        holdS: Type.Integer({
          minimum: 1,
          maximum: 3600,
          default: 60,
          title: "A fix on the move is good for, seconds",
          description:
            "After that alarms, evidence and a crew's acts have no place rather than an old one. A fix at a stand, or while parked, holds until the next one.",
        }),
      },
      { default: {}, title: "Positions" },
    ),
    parking: Type.Optional(ParkingDocument),
    time: Type.Object(
      {
        source: Type.Union(
          [Type.Literal("auto"), Type.Literal("ntp"), Type.Literal("gnss"), Type.Literal("rtc"), Type.Literal("none")],
          {
            default: "auto",
            title: "Where UTC comes from",
            description:
              "`auto`: NTP where the system is synchronised, else a receiver with a fix, else the battery clock, else none.",
          },
        ),
      },
      { default: {}, title: "Time" },
    ),
    vision: Type.Object(
      {
        ffmpeg: Type.String({
          minLength: 1,
          maxLength: 1024,
          default: "ffmpeg",
          title: "Program that takes the cameras' video",
        }),
        ringFolder: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 1024,
            title: "Folder for the last seconds of each camera",
            description:
              "On a memory disk, so that flash does not wear; /dev/shm where left out, else the state folder.",
            examples: ["/run/shao"],
          }),
        ),
        judge: Judge,
        live: Live,
      },
      { default: {}, title: "Vision" },
    ),
    retention: Type.Object(
      {
        keepReceiptedDays: Type.Number({
          minimum: 0,
          maximum: 3650,
          default: 30,
          title: "Days that receipted records are kept",
          description: "Longer than the age of the bridge's oldest backup plus the longest outage.",
        }),
        journalMaxBytes: Type.Integer({
          minimum: 1_048_576,
          maximum: 1e12,
          default: 1_073_741_824,
          title: "Largest size of the journal",
        }),
        evidenceMaxBytes: Type.Integer({
          minimum: 1_048_576,
          maximum: 1e12,
          default: 2_147_483_648,
          title: "Largest size of the evidence files",
          description:
            "Stored ones go first; then unsent clips, each declared; a new file that finds no room is stated as missing.",
        }),
        minFreeDiskBytes: Type.Integer({
          minimum: 0,
          maximum: 1e12,
          default: 104_857_600,
          title: "Free space that others on the disk keep",
          description: "With less free than this the journal grows no more: it gives up the least worth instead.",
        }),
      },
      { default: {}, title: "Retention" },
    ),
    page: Type.Optional(
      Type.Object(
        {
          port: Type.Integer({ minimum: 0, maximum: 65_535, title: "Port of the page", examples: [8090] }),
          host: Type.String({
            pattern: "^([0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9A-Fa-f:]{2,39})$",
            default: "127.0.0.1",
            title: "Address to listen on",
            description: "0.0.0.0 for phones in the box's own network: then with TLS.",
            expected: "an address of this box, or 0.0.0.0 for all of them",
            examples: ["0.0.0.0"],
          }),
        },
        {
          title: "Local page",
          description:
            "Levels, health, alarms, evidence and in a vehicle the assignment, behind a PIN that is printed at the first start.",
          examples: [{ port: 8090, host: "0.0.0.0" }],
        },
      ),
    ),
    health: Type.Optional(
      Type.Object(
        {
          port: Type.Integer({ minimum: 0, maximum: 65_535, title: "Port of the local health page", examples: [8080] }),
          host: Type.Union([Type.Literal("127.0.0.1"), Type.Literal("::1")], {
            default: "127.0.0.1",
            title: "Address",
          }),
        },
        { title: "Local health page", description: "On loopback only. Left out: none.", examples: [{ port: 8080 }] },
      ),
    ),
  },
  { title: "Gateway", expected: "a gateway config: node, bridge, state, buses, devices, rules" },
);
export type GatewayDocument = Static<typeof GatewayDocument>;
