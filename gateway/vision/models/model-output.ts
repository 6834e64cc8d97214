import { GatewayError } from "../../contracts/gateway-error.ts";
import type { Outputs, OutputTensor } from "./family.ts";

/** The only output, or the one of a name. @throws GatewayError MODEL_OUTPUT */
export function outputOf(outputs: Outputs, name?: string): OutputTensor {
  const names = Object.keys(outputs);
  const output = name === undefined ? outputs[names[0] ?? ""] : outputs[name];
  if (output === undefined) throw wrongOutput(outputs, name === undefined ? "an output" : `an output named ${name}`);
  return output;
}

/** @param expected what the family needs */
export function wrongOutput(outputs: Outputs, expected: string): GatewayError {
  const found = Object.entries(outputs).map(([name, { dims }]) => `${name} [${dims.join(", ")}]`);
  return new GatewayError("MODEL_OUTPUT", `the model gives ${found.join(", ") || "nothing"}; expected ${expected}`, {
    hint: "Compare family, labels, strides and input of manifest.yaml with how the model was exported.",
  });
}
