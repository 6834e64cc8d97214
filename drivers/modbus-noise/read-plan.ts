import type { NoiseProfile, ProfileMeasurement } from "./profile.ts";
import { registerCount } from "./register-value.ts";

/** One value of a meter and where it stands. */
export interface PlannedField {
  /** Absent: it is the level. */
  readonly measurement?: ProfileMeasurement;
  readonly function: "read-holding" | "read-input";
  readonly address: number;
  readonly count: number;
}

/** Registers that one request reads. */
export interface ReadBlock {
  readonly function: "read-holding" | "read-input";
  readonly address: number;
  readonly count: number;
  readonly fields: readonly PlannedField[];
}

const MOST_REGISTERS = 64;

/** The request for the level alone. */
export function levelBlock(profile: NoiseProfile): ReadBlock {
  const field = levelField(profile);
  return { function: field.function, address: field.address, count: field.count, fields: [field] };
}

/**
 * All values of a meter in as few requests as its packing allows. A number is never split over two requests, and no
 * forbidden register lies in any of them. The block with the level comes first.
 */
export function readPlan(profile: NoiseProfile): readonly ReadBlock[] {
  const fields = [levelField(profile), ...(profile.measurements ?? []).map((one) => measurementField(one, profile))];
  const ordered = fields.toSorted((a, b) => a.function.localeCompare(b.function) || a.address - b.address);
  const blocks: ReadBlock[] = [];
  for (const field of ordered) {
    const open = blocks.at(-1);
    const joined = open === undefined ? undefined : join(open, field, profile.packing);
    if (joined === undefined) blocks.push({ ...field, fields: [field] });
    else blocks[blocks.length - 1] = joined;
  }
  return blocks.toSorted((a, b) => Number(hasLevel(b)) - Number(hasLevel(a))).map(plain);
}

/** Registers that a profile both names and forbids. */
export function forbiddenFields(profile: NoiseProfile): readonly PlannedField[] {
  const fields = [levelField(profile), ...(profile.measurements ?? []).map((one) => measurementField(one, profile))];
  return fields.filter(({ address, count }) => isForbidden(address, address + count - 1, profile.packing));
}

function join(block: ReadBlock, field: PlannedField, packing: NoiseProfile["packing"]): ReadBlock | undefined {
  if (block.function !== field.function) return undefined;
  const { maxRegisters = MOST_REGISTERS, maxGapRegisters = 0 } = packing ?? {};
  const endOfBlock = block.address + block.count;
  const end = Math.max(endOfBlock, field.address + field.count);
  if (field.address - endOfBlock > maxGapRegisters) return undefined;
  if (end - block.address > maxRegisters) return undefined;
  if (isForbidden(block.address, end - 1, packing)) return undefined;
  return { ...block, count: end - block.address, fields: [...block.fields, field] };
}

function isForbidden(first: number, last: number, packing: NoiseProfile["packing"]): boolean {
  return (packing?.forbidden ?? []).some(([from, to]) => from <= last && first <= to);
}

function levelField(profile: NoiseProfile): PlannedField {
  return { function: profile.function, address: profile.address, count: registerCount(profile) };
}

function measurementField(measurement: ProfileMeasurement, profile: NoiseProfile): PlannedField {
  const { address } = measurement;
  return {
    measurement,
    function: measurement.function ?? profile.function,
    address,
    count: registerCount(measurement),
  };
}

function hasLevel(block: ReadBlock): boolean {
  return block.fields.some(({ measurement }) => measurement === undefined);
}

function plain({ function: kind, address, count, fields }: ReadBlock): ReadBlock {
  return { function: kind, address, count, fields };
}
