import type { ModelPlan } from "./read-graph.ts";

/** All that a picture can be said to show: `truck`, and `truck/covered` where a second stage tells kinds of it apart. */
export function seenLabels({ manifest, secondStage }: ModelPlan): readonly string[] {
  const kinds = (manifest.secondStage?.of ?? []).flatMap((label) =>
    (secondStage?.manifest.labels ?? []).map((kind) => `${label}/${kind}`),
  );
  return [...manifest.labels, ...kinds];
}

/** Of the classes that a rule looks for, those of which nothing is ever seen. */
export function unseenClasses(classes: readonly string[], sees: readonly string[]): readonly string[] {
  return classes.filter((wanted) => !sees.some((label) => isOfClass(label, [wanted])));
}

/** `truck` means also `truck/uncovered`. */
export function isOfClass(label: string, classes: readonly string[]): boolean {
  return classes.some((wanted) => label === wanted || label.startsWith(`${wanted}/`));
}
