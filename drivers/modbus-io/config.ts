import { type Static, Type } from "typebox";
import { BusReference } from "../bus/bus-config.ts";

const Address = (title: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: 0xffff, title }));
const Word = (title: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: 0xffff, title }));
const NAME_PATTERN = "^[a-z0-9][a-z0-9-]{0,31}$";

/** Something that is switched or written. Exactly one of `coil`, `register` and `textRegister` says where it is. */
export const Output = Type.Object(
  {
    coil: Address("Coil, counted from 0"),
    register: Address("Holding register that switches it, counted from 0"),
    onValue: Word("Value of the register that means on"),
    offValue: Word("Value of the register that means off"),
    maxValue: Word("Highest value that a command may write"),
    textRegister: Address("First holding register of a display's text, counted from 0"),
    textRegisters: Type.Optional(Type.Integer({ minimum: 1, maximum: 123, title: "How many registers the text has" })),
    encoding: Type.Optional(
      Type.Union([Type.Literal("gbk"), Type.Literal("ascii"), Type.Literal("utf-16be")], {
        title: "How the display reads its text",
        description: "Two bytes a register, the first in its upper half. gbk where left out.",
      }),
    ),
    longestOnS: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400,
        title: "Longest time on",
        description: "Seen on for longer, whoever switched it, it is switched off: a siren must not howl all night.",
      }),
    ),
  },
  { additionalProperties: false, title: "Output", examples: [{ coil: 0, longestOnS: 120 }] },
);
export type Output = Static<typeof Output>;

/** A contact that is read. Exactly one of its places is given. */
export const Input = Type.Object(
  {
    discreteInput: Address("Discrete input, counted from 0"),
    coil: Address("Coil, counted from 0"),
    inputRegister: Address("Input register, counted from 0; 0 is off, anything else on"),
    isInverted: Type.Optional(Type.Boolean({ title: "A closed contact means off" })),
  },
  { additionalProperties: false, title: "Input", examples: [{ discreteInput: 0 }] },
);
export type Input = Static<typeof Input>;

/** Relays, sirens, a display and contacts on one Modbus unit. Unknown keys are refused. */
export const modbusIoConfig = Type.Object(
  {
    bus: BusReference,
    unit: Type.Integer({ minimum: 1, maximum: 247, default: 1, title: "Modbus unit" }),
    outputs: Type.Optional(
      Type.Record(Type.String({ pattern: NAME_PATTERN }), Output, {
        title: "Outputs",
        description: "Targets of the commands relay and text, by name.",
      }),
    ),
    inputs: Type.Optional(Type.Record(Type.String({ pattern: NAME_PATTERN }), Input, { title: "Inputs" })),
    periodMs: Type.Integer({ minimum: 100, maximum: 60_000, default: 1000, title: "Read every" }),
    timeoutMs: Type.Integer({ minimum: 20, maximum: 10_000, default: 300, title: "Answer within" }),
  },
  { additionalProperties: false, title: "Relays, siren, display and contacts on Modbus" },
);
export type ModbusIoConfig = Static<typeof modbusIoConfig>;
