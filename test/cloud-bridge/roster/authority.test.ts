import { expect, test } from "vitest";
import { authorityOf, authorityReason, holdsAuthority } from "../../../cloud-bridge/roster/authority.ts";

const inspector = (name: string, ...authority: string[]) => ({ name, authority });

test("two who may act on the matter act, one takes a second, none secures evidence, and nobody named is unknown", () => {
  const [wang, li, zhao] = [inspector("Wang", "noise"), inspector("Li", "*"), inspector("Zhao", "street-stall")];
  const of = (people: ReturnType<typeof inspector>[], category?: string) => {
    const facts = authorityOf(people, category);
    return [facts.verdict, authorityReason(facts)];
  };
  expect(of([wang, li, zhao], "noise")).toEqual(["may-act", "2 with authority for noise: Wang, Li"]);
  expect(of([wang, zhao], "noise")).toEqual([
    "second-needed",
    "one with authority for noise, needs a second inspector: Wang",
  ]);
  expect(of([zhao], "noise")).toEqual(["evidence-only", "none of 1 has authority for noise: evidence only"]);
  expect(of([], "noise")).toEqual(["unknown", undefined]);
  expect(of([wang, li])).toEqual(["unknown", undefined]);
});

test("a code covers itself, and with a star all that begin so", () => {
  expect(holdsAuthority(["noise"], "noise-night")).toBe(false);
  expect(holdsAuthority(["noise*"], "noise-night")).toBe(true);
  expect(holdsAuthority(["0101", "02*"], "0201")).toBe(true);
  expect(holdsAuthority([], "noise")).toBe(false);
});
