import { type Static, Type } from "typebox";

const Clock = (title: string, at: string) =>
  Type.String({
    pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$",
    default: at,
    title,
    expected: "a time of the day as HH:MM",
  });

const Names = (title: string, description: string, example: string) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      minItems: 1,
      maxItems: 100,
      title,
      description,
      examples: [[example]],
    }),
  );

const Policy = (more: object) =>
  Type.Union([Type.Literal("auto"), Type.Literal("propose"), Type.Literal("auto-after")], {
    title: "Who sends the crew",
    description:
      "`auto`: the bridge at once. `propose`: the desk. `auto-after`: the bridge when the desk has said nothing.",
    ...more,
  });

const Patience = (more: object) =>
  Type.Number({ minimum: 0, maximum: 86_400, title: "Patience of auto-after, seconds", ...more });

const PolicyRule = Type.Object(
  {
    rules: Names(
      "Of these rules",
      "Names as the nodes' configs have them; of the bridge's own, `node-silent` etc.",
      "gate",
    ),
    categories: Names("or of these categories", "Codes of the catalogue, of alarms and of reports.", "street-stall"),
    period: Type.Optional(
      Type.Union([Type.Literal("night"), Type.Literal("day")], {
        title: "Only at night, or only by day",
        description: "By `night`, in the time zone of the site; the city's where there is none.",
        examples: ["night"],
      }),
    ),
    policy: Policy({ examples: ["auto"] }),
    afterSeconds: Type.Optional(Patience({ description: "As above where left out.", examples: [30] })),
  },
  { title: "One exception", examples: [{ rules: ["night-noise"], period: "night", policy: "auto" }] },
);

/** Who is sent, how far that is looked for, and who decides it. */
export const Dispatch = Type.Object(
  {
    policy: Policy({ default: "auto-after" }),
    afterSeconds: Patience({ default: 60 }),
    exceptions: Type.Array(PolicyRule, {
      maxItems: 200,
      default: [],
      title: "Who sends it for some rules, categories or times",
      description:
        "The first that fits counts. Faults and reports that are not urgent are proposed; only an exception that names their rule or category sends them.",
      examples: [[{ rules: ["night-noise"], period: "night", policy: "auto" }]],
    }),
    night: Type.Object(
      { from: Clock("Night begins, local time of the site", "22:00"), to: Clock("Night ends", "06:00") },
      { default: {}, title: "Night, for exceptions" },
    ),
    mutualAid: Type.Boolean({
      default: false,
      title: "Crews of other units may be sent by the bridge itself",
      description:
        "Otherwise only those of a unit that answers for the place, above it, below it, or called to the case; the desk may always send others.",
    }),
    authority: Type.Union([Type.Literal("prefer"), Type.Literal("require"), Type.Literal("ignore")], {
      default: "prefer",
      title: "Crews that may only secure evidence",
      description:
        "In which nobody holds authority for the category. `prefer`: sent when no other can go. `require`: never by the bridge itself. `ignore`: like any.",
    }),
    detourFactor: Type.Number({
      minimum: 1,
      maximum: 5,
      default: 1.4,
      title: "Road by straight line",
      description: "Distances to crews are straight lines times this, and say so.",
    }),
    speedKmh: Type.Number({ minimum: 1, maximum: 120, default: 30, title: "Speed for times of arrival, km/h" }),
    maxFixAgeSeconds: Type.Number({
      minimum: 1,
      maximum: 86_400,
      default: 300,
      title: "Oldest position that counts, seconds",
    }),
    geofenceM: Type.Number({
      minimum: 10,
      maximum: 5000,
      default: 150,
      title: "On scene within, metres",
      description: "Where a site does not say its own.",
    }),
  },
  { default: {}, title: "Dispatch" },
);
export type DispatchDocument = Static<typeof Dispatch>;
