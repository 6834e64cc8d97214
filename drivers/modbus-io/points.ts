import type { ConfigFault, ModbusRequest } from "../driver.ts";
import type { Input, ModbusIoConfig, Output } from "./config.ts";

/** One place on the unit whose state is read in every round. */
export interface Point {
  readonly name: string;
  readonly table: "read-coils" | "read-discrete-inputs" | "read-holding" | "read-input";
  readonly address: number;
  /** Undefined: a value that is neither, so it is shown as a fault. */
  isOn(raw: number): boolean | undefined;
}

type Points = Pick<ModbusIoConfig, "outputs" | "inputs">;

/** All that can be switched or sensed, in the order of the config. A display's text has no state of its own. */
export function pointsOf({ outputs = {}, inputs = {} }: Points): readonly Point[] {
  return [
    ...Object.entries(inputs).map(([name, input]) => inputPoint(name, input)),
    ...Object.entries(outputs).flatMap(([name, output]) => outputPoint(name, output)),
  ];
}

function inputPoint(name: string, input: Input): Point {
  const isOn = (raw: number) => (raw !== 0) !== (input.isInverted === true);
  if (input.discreteInput !== undefined)
    return { name, table: "read-discrete-inputs", address: input.discreteInput, isOn };
  if (input.coil !== undefined) return { name, table: "read-coils", address: input.coil, isOn };
  return { name, table: "read-input", address: input.inputRegister ?? 0, isOn };
}

function outputPoint(name: string, output: Output): Point[] {
  if (output.coil !== undefined) {
    return [{ name, table: "read-coils", address: output.coil, isOn: (raw) => raw !== 0 }];
  }
  if (output.register === undefined) return [];
  const { onValue = 1, offValue = 0 } = output;
  const isOn = (raw: number) =>
    raw === offValue ? false : raw === onValue || output.maxValue !== undefined || undefined;
  return [{ name, table: "read-holding", address: output.register, isOn }];
}

/** The fewest requests that read all points: neighbours of one table within a few addresses travel together. */
export function readPlan(
  points: readonly Point[],
  longestGap = 8,
): readonly {
  readonly request: Pick<ModbusRequest, "function" | "address" | "count">;
  readonly points: readonly Point[];
}[] {
  const plan: { request: { function: Point["table"]; address: number; count: number }; points: Point[] }[] = [];
  const sorted = [...points].sort((a, b) => a.table.localeCompare(b.table) || a.address - b.address);
  for (const point of sorted) {
    const last = plan.at(-1);
    const gap = last === undefined ? 0 : point.address - (last.request.address + last.request.count);
    const isNear = last !== undefined && last.request.function === point.table && gap <= longestGap;
    if (isNear && point.address - last.request.address < 64) {
      last.request.count = Math.max(last.request.count, point.address - last.request.address + 1);
      last.points.push(point);
    } else {
      plan.push({ request: { function: point.table, address: point.address, count: 1 }, points: [point] });
    }
  }
  return plan;
}

/** What the schema cannot say of outputs and inputs. */
export function pointFaults({ outputs = {}, inputs = {} }: Points): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  for (const [name, output] of Object.entries(outputs)) {
    const places = [output.coil, output.register, output.textRegister].filter((place) => place !== undefined);
    if (places.length !== 1) {
      faults.push({
        pointer: `/outputs/${name}`,
        message: `output ${name} has ${places.length === 0 ? "no place" : "more than one place"}`,
        hint: "Give exactly one of coil, register and textRegister.",
      });
    }
    if ((output.textRegister === undefined) !== (output.textRegisters === undefined)) {
      faults.push({
        pointer: `/outputs/${name}`,
        message: `output ${name} is a display only with both textRegister and textRegisters`,
        hint: "Give the first register of the text and how many it has, e.g. textRegister: 32, textRegisters: 16.",
      });
    }
    if (output.register !== undefined && (output.onValue ?? 1) === (output.offValue ?? 0)) {
      faults.push({
        pointer: `/outputs/${name}`,
        message: `output ${name} is on and off with the same value`,
        hint: "onValue and offValue must differ.",
      });
    }
  }
  for (const [name, input] of Object.entries(inputs)) {
    const places = [input.discreteInput, input.coil, input.inputRegister].filter((place) => place !== undefined);
    if (places.length !== 1) {
      faults.push({
        pointer: `/inputs/${name}`,
        message: `input ${name} has ${places.length === 0 ? "no place" : "more than one place"}`,
        hint: "Give exactly one of discreteInput, coil and inputRegister.",
      });
    }
    if (outputs[name] !== undefined) {
      faults.push({
        pointer: `/inputs/${name}`,
        message: `an output is called ${name} too`,
        hint: "Give each input and output a name of its own.",
      });
    }
  }
  if (Object.keys(outputs).length + Object.keys(inputs).length === 0) {
    faults.push({ pointer: "", message: "neither outputs nor inputs are given", hint: "Name at least one of them." });
  }
  return faults;
}
