import { type Static, Type } from "typebox";

/** Where a noise meter's weather comes from. Wind above the limit, or rain, keeps its seconds out of findings. */
export const WeatherSection = Type.Object(
  {
    device: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 63,
        title: "Device that measures wind or rain",
        description: "The meter's own device, or its own station behind a listener, where left out.",
        examples: ["weather-01"],
      }),
    ),
    station: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        title: "Station behind that device",
        description: "Its number, where the device is a listener of stations.",
        examples: ["010000A8900016F000169DC0"],
      }),
    ),
    holdS: Type.Integer({
      minimum: 1,
      maximum: 3600,
      default: 120,
      title: "A reading is good for, seconds",
      description: "After that the weather is unknown, and nothing is flagged.",
    }),
    maxWindMps: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 60,
        title: "Wind above which levels are left out, m/s",
        description: "That of the rule-set (5) where left out.",
        examples: [5],
      }),
    ),
    rain: Type.Union([Type.Literal("auto"), Type.Literal("total"), Type.Literal("amount")], {
      default: "auto",
      title: "What `rain` counts",
      description:
        "total: a counter, whose rise is rain. amount: what fell lately, any of which is rain. " +
        "auto: amount where the reading names its period, else total.",
    }),
  },
  {
    title: "Weather of a noise meter",
    description: "Windy and rainy seconds are flagged `weather`: findings leave them out and count them.",
    examples: [{ device: "weather-01" }],
  },
);
export type WeatherSection = Static<typeof WeatherSection>;
