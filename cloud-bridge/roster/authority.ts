/** Somebody who comes, and for what the law lets this person act: category codes, `12*` for all that begin so, `*` for all. */
export interface Inspector {
  readonly name: string;
  readonly authority: readonly string[];
}

/**
 * `may-act`: two who hold authority for the matter come. `second-needed`: one does, and takes a second inspector along.
 * `evidence-only`: nobody does, evidence is all that can be secured. `unknown`: nobody is named, or the matter is not.
 */
export type AuthorityVerdict = "may-act" | "second-needed" | "evidence-only" | "unknown";

export interface AuthorityFacts {
  readonly verdict: AuthorityVerdict;
  readonly category?: string;
  /** Names of those who hold it. */
  readonly holders: string[];
  /** How many come. */
  readonly people: number;
}

export function holdsAuthority(authority: readonly string[], category: string): boolean {
  return authority.some((code) => (code.endsWith("*") ? category.startsWith(code.slice(0, -1)) : code === category));
}

/** Whether those who come may act on a matter of this category. */
export function authorityOf(people: readonly Inspector[], category: string | undefined): AuthorityFacts {
  if (category === undefined || people.length === 0) {
    return { verdict: "unknown", ...(category === undefined ? {} : { category }), holders: [], people: people.length };
  }
  const holders = people.filter(({ authority }) => holdsAuthority(authority, category)).map(({ name }) => name);
  const verdict = holders.length >= 2 ? "may-act" : holders.length === 1 ? "second-needed" : "evidence-only";
  return { verdict, category, holders, people: people.length };
}

/** The same as one reason of a candidate; undefined where there is nothing to say. */
export function authorityReason({ verdict, category, holders, people }: AuthorityFacts): string | undefined {
  const names = holders.join(", ");
  switch (verdict) {
    case "may-act":
      return `${holders.length} with authority for ${category}: ${names}`;
    case "second-needed":
      return `one with authority for ${category}, needs a second inspector: ${names}`;
    case "evidence-only":
      return `none of ${people} has authority for ${category}: evidence only`;
    case "unknown":
      return undefined;
  }
}
