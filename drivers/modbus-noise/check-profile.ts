import { unitOf } from "../../protocol/quantities.ts";
import type { ConfigFault } from "../driver.ts";
import type { NoiseProfile } from "./profile.ts";
import { forbiddenFields } from "./read-plan.ts";
import { registerCount } from "./register-value.ts";

/** What the schema cannot say of a register map. Pointers are relative to the profile. */
export function profileFaults(profile: NoiseProfile): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const fault = (pointer: string, message: string, hint: string) => faults.push({ pointer, message, hint });
  const { validDb, type, isSigned, address, measurements = [] } = profile;
  if (validDb[0] >= validDb[1]) {
    fault("/validDb", `the measuring range [${validDb[0]}, ${validDb[1]}] is empty`, rangeHint("[30, 130]"));
  }
  if (isSigned === true && type !== undefined && type !== "i16") {
    fault("/isSigned", `isSigned contradicts type ${type}`, "Give type alone: i16 and i32 are the signed ones.");
  }
  if (address + registerCount(profile) > 0x10000)
    fault("/address", `${type} at ${address} has no second register`, LAST);
  for (const [index, measurement] of measurements.entries()) {
    const at = `/measurements/${index}`;
    const { quantity, unit, valid, scale } = measurement;
    const listed = unitOf(quantity);
    if (listed !== undefined && listed !== unit) {
      fault(`${at}/unit`, `${quantity} in ${JSON.stringify(unit)}`, `Scale it to ${listed}, the unit of ${quantity}.`);
    }
    if (scale === 0) fault(`${at}/scale`, "a scale of 0 makes every value 0", "Give the units per count, e.g. 0.1.");
    if (valid[0] >= valid[1]) {
      fault(`${at}/valid`, `the measuring range [${valid[0]}, ${valid[1]}] is empty`, rangeHint("[-40, 80]"));
    }
    if (measurement.address + registerCount(measurement) > 0x10000) {
      fault(`${at}/address`, `${measurement.type} at ${measurement.address} has no second register`, LAST);
    }
    if (measurements.findIndex((one) => one.quantity === quantity) < index) {
      fault(`${at}/quantity`, `${quantity} is named twice`, "One meter has one value of a quantity.");
    }
  }
  for (const { measurement, address: forbidden } of forbiddenFields(profile)) {
    const name = measurement?.quantity ?? "the level";
    fault(
      "/packing/forbidden",
      `it forbids register ${forbidden}, which holds ${name}`,
      "Correct the span, or the address.",
    );
  }
  return faults;
}

const LAST = "Registers end at 65535.";

function rangeHint(example: string): string {
  return `Give the lower end first, e.g. ${example}.`;
}
