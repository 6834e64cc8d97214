/** Faults of one lane come one after another; those of different lanes meet as chance has it. */
export type Lane = "gateway" | "bridge" | "link";
export type Half = "gateway" | "bridge";

export function halfOf(lane: Lane): Half {
  if (lane === "link") throw new Error("a link is no half");
  return lane;
}
