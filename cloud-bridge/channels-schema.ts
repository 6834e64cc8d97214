import { Type } from "typebox";
import { CrewActName } from "../protocol/assignment.ts";

const SecretFile = (title: string) =>
  Type.String({
    minLength: 1,
    maxLength: 1024,
    title,
    description: "A file that holds it and nothing else.",
    examples: ["/etc/shao/webhook.key"],
  });

/** On which ways crews and other systems are told, beside the crew's own page. */
export const Channels = Type.Object(
  {
    vehicles: Type.Boolean({
      default: true,
      title: "Local page of the crew's vehicle",
      description: "An assignment goes to the gateway that the crew's vehicle has, and its page's buttons come back.",
    }),
    radio: Type.Optional(
      Type.Object(
        {
          node: Type.String({
            pattern: "^[a-z0-9][a-z0-9-]{0,62}$",
            title: "Gateway that has the radio",
            expected: "a node",
            examples: ["centre"],
          }),
          device: Type.String({
            pattern: "^[a-z0-9][a-z0-9-]{0,62}$",
            title: "The radio's name there",
            expected: "a device",
            examples: ["radio"],
          }),
          proof: Type.Union([Type.Literal("none"), Type.Literal("received"), Type.Literal("consumed")], {
            default: "received",
            title: "What proves a delivery",
            description: "`none`: the network took it. `received`: the handset has it. `consumed`: it was read.",
          }),
          language: Type.Union([Type.Literal("zh-CN"), Type.Literal("en")], { default: "zh-CN", title: "Language" }),
          statuses: Type.Record(Type.String({ pattern: "^[0-9]{1,5}$" }), CrewActName, {
            default: {},
            title: "What a status of a handset means",
            description: "By its number, as the radio network's plan has it: 32772 is 0x8004.",
            keyForm: { expected: "the number of a status", examples: ["32772"] },
            examples: [{ "32772": "acknowledge" }],
          }),
        },
        { title: "Radio text", examples: [{ node: "centre", device: "radio" }] },
      ),
    ),
    webhooks: Type.Record(
      Type.String({ pattern: "^[a-z0-9][a-z0-9-]{0,31}$" }),
      Type.Object(
        {
          url: Type.String({
            pattern: "^https?://[^\\s@]+$",
            maxLength: 500,
            title: "Where it is sent",
            description: "https, except on loopback.",
            expected: "an https URL without an account",
            examples: ["https://hooks.example/shao"],
          }),
          secretFile: SecretFile("Secret that signs it"),
          events: Type.Array(Type.String({ pattern: "^(case|assignment)(\\.[a-z-]{1,32})?$" }), {
            default: [],
            title: "Which events",
            description: "`case`, `assignment`, or one kind, e.g. `case.closed`. Empty: all.",
            examples: [["case.closed"]],
          }),
        },
        {
          title: "Webhook",
          expected: "url and secretFile",
          examples: [{ url: "https://hooks.example/shao", secretFile: "/etc/shao/webhook.key" }],
        },
      ),
      {
        default: {},
        title: "Webhooks",
        keyForm: { expected: "a name of small letters, digits and -", examples: ["city-platform"] },
      },
    ),
    open311: Type.Optional(
      Type.Object(
        {
          jurisdictionId: Type.String({
            pattern: "^[A-Za-z0-9.-]{1,64}$",
            title: "Jurisdiction",
            expected: "a name such as a domain",
            examples: ["chaoyang.example"],
          }),
          keyFile: Type.Optional(SecretFile("Key that a reader shows as api_key; without one anybody may read")),
          maxDays: Type.Integer({ minimum: 1, maximum: 366, default: 90, title: "Longest span of one request, days" }),
        },
        {
          title: "Open311 GeoReport v2, for reading",
          description: "Left out: not offered. Kind, state, time and place of cases; nothing about people.",
          examples: [{ jurisdictionId: "chaoyang.example" }],
        },
      ),
    ),
  },
  { default: {}, title: "Channels" },
);
