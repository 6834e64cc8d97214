/** Faults of one lane come one after another; those of different lanes meet as chance has it. */
export type Lane = "gateway" | "bridge" | "second-bridge" | "link";
/** `second-bridge`: another process of the same bridge, where there are two. */
export type Half = "gateway" | "bridge" | "second-bridge";

export function halfOf(lane: Lane): Half {
  if (lane === "link") throw new Error("a link is no half");
  return lane;
}
