import type { Hello } from "../../protocol/session.ts";

/** What one hello of a node has said so far. Kept in the database, so that a restart of the bridge goes on with it. */
export interface HelloState {
  readonly session: string;
  readonly current: string;
  /** Pages heard, from 0. */
  readonly pages: readonly number[];
  /** Number of the last page, once it was heard. */
  readonly lastPage: number | undefined;
  /** Heads of every run that was listed, newest first. */
  readonly heads: ReadonlyMap<string, number>;
  readonly open: readonly string[];
}

/**
 * A page of another session, or a page 0 that says something else, begins anew: what was said before no longer holds. A
 * page that comes twice changes nothing.
 */
export function takePage(before: HelloState | undefined, hello: Hello): HelloState {
  const isRepeat = before?.pages.includes(0) && hello.runs.every(({ run, head }) => before.heads.get(run) === head);
  const isNew = before === undefined || before.session !== hello.session || (hello.page === 0 && !isRepeat);
  const base: HelloState = isNew
    ? { session: hello.session, current: hello.current, pages: [], lastPage: undefined, heads: new Map(), open: [] }
    : before;
  return {
    ...base,
    pages: [...base.pages.filter((page) => page !== hello.page), hello.page].sort((a, b) => a - b),
    lastPage: hello.last ? hello.page : base.lastPage,
    heads: new Map([...base.heads, ...hello.runs.map(({ run, head }) => [run, head] as const)]),
    open: hello.last ? hello.open : base.open,
  };
}

/** Whether every page was heard: only then is a run that it does not list unlisted. */
export function isComplete(state: HelloState): boolean {
  return state.lastPage !== undefined && state.pages.length === state.lastPage + 1;
}

/**
 * Which of a node's hellos counts: that of the session which its retained `state` names. A page of an older session may
 * come late, and one of a newer session before its `state`; until that one's hello is here the newest heard stands in.
 * @param hellos newest heard last
 */
export function currentHello<H extends { readonly state: HelloState }>(
  hellos: readonly H[],
  session: string | undefined,
): H | undefined {
  return hellos.find(({ state }) => state.session === session) ?? hellos.at(-1);
}

/** A run's newest seq as the bridge knew it before a message, and after. */
export interface HeadChange {
  readonly before: number;
  readonly after: number;
}

/**
 * Whether a message raised the head of a run that the node's hello lists as ended with less: it came from another card, or
 * was long on its way, and nobody would be asked for what lies between.
 */
export function isBeyondHello(hello: HelloState | undefined, run: string, { before, after }: HeadChange): boolean {
  const listed = hello?.heads.get(run);
  return hello !== undefined && listed !== undefined && run !== hello.current && after > before && after > listed;
}

/** Whether an envelope tells of its run what the node's hello did not, so that the node must be asked for it anew. */
export function mustSayHello(hello: HelloState | undefined, run: string, heads: HeadChange): boolean {
  return hello?.heads.has(run) !== true || isBeyondHello(hello, run, heads);
}
