/** Where files that people send lie, as if a node had sent them; no node can have this name. */
export const PEOPLE = "_people";
