import type { Problem } from "../../../api/schema/common.ts";

/** What the API answered instead of what was asked, or `NETWORK` where it did not answer. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.title);
    this.problem = problem;
  }

  /** The act did not reach the bridge, or the bridge could not take it now: the same act may be sent again. */
  get isPassing(): boolean {
    const { status } = this.problem;
    return status === 0 || status === 408 || status === 429 || status >= 500;
  }
}

export interface CallOptions {
  readonly body?: unknown;
  /** Sent as they are, under their own type. */
  readonly bytes?: Blob;
  /** Two calls with one key are one act. */
  readonly idempotencyKey?: string;
  /** The ETag of what an edit was made from: refused where somebody changed it in the meantime. */
  readonly ifMatch?: string;
  /** Only where there is none of this name yet. */
  readonly isNew?: boolean;
  readonly signal?: AbortSignal;
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** Hears of each 401, wherever it came from. */
let onSignedOut: () => void = () => {};
export const whenSignedOut = (listener: () => void): void => {
  onSignedOut = listener;
};

/**
 * One call of the API. The answer is taken as `T` unchecked: bridge and console are one release, served from one origin.
 * @throws ProblemError for every answer that is not a success, and with status 0 where there was none
 */
export async function call<T>(method: Method, path: string, options: CallOptions = {}): Promise<T> {
  const response = await answerTo(method, path, options);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** One thing of a register and the ETag that an edit of it names. */
export async function readForEdit<T>(path: string): Promise<{ readonly value: T; readonly etag: string | undefined }> {
  const response = await answerTo("GET", path, {});
  return { value: (await response.json()) as T, etag: response.headers.get("etag") ?? undefined };
}

/** As `call`, with the answer itself. */
export async function answerTo(method: Method, path: string, options: CallOptions): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (options.body !== undefined) headers["content-type"] = "application/json";
  if (options.bytes !== undefined) headers["content-type"] = options.bytes.type;
  if (options.idempotencyKey !== undefined) headers["idempotency-key"] = options.idempotencyKey;
  if (options.ifMatch !== undefined) headers["if-match"] = options.ifMatch;
  if (options.isNew === true) headers["if-none-match"] = "*";
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers,
      credentials: "same-origin",
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.bytes === undefined ? {} : { body: options.bytes }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new ProblemError({ type: "about:blank", title: "no answer", status: 0, code: "NETWORK" });
  }
  if (response.status === 401) onSignedOut();
  if (!response.ok) throw new ProblemError(await problemOf(response));
  return response;
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = {
    type: "about:blank",
    title: response.statusText || String(response.status),
    status: response.status,
    code: `HTTP_${response.status}`,
  };
  try {
    return { ...fallback, ...((await response.json()) as Partial<Problem>) };
  } catch {
    return fallback;
  }
}

/** A key for one act, made when the button is pressed and kept through every repeat. */
export const newIdempotencyKey = (): string => crypto.randomUUID();
