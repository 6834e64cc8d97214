import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

export interface ServerEvent {
  readonly name: string;
  readonly id?: string;
  readonly data: unknown;
}

/**
 * A signed-in account at the bridge's API, as a browser would be one: cookies, the Origin header, the bridge's own CA.
 * It serves simulated crews, tests and benches.
 */
export class ApiClient {
  readonly #base: URL;
  readonly #ca: string | undefined;
  #cookie = "";

  constructor(base: string, ca?: string) {
    this.#base = new URL(base);
    this.#ca = ca;
  }

  /** @throws Error with the problem's title when the answer is not 2xx */
  async call(
    method: "GET" | "POST",
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<unknown> {
    const answer = await this.send(method, path, body, headers);
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }

  send(method: "GET" | "POST", path: string, body?: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = this.#open(method, path, {
        accept: "application/json",
        ...(payload === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      });
      request.on("error", reject);
      request.on("response", (response) => {
        const chunks: Uint8Array[] = [];
        response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          this.#keepCookies(response.headers["set-cookie"]);
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parseJson(text) });
        });
      });
      request.end(payload);
    });
  }

  /** Follows the bridge's events until `signal` aborts; connects again after a pause, resuming where it stopped. */
  async events(signal: AbortSignal, onEvent: (event: ServerEvent) => void): Promise<void> {
    let lastId: string | undefined;
    while (!signal.aborted) {
      await new Promise<void>((resolve) => {
        const request = this.#open("GET", "/api/v1/events", {
          accept: "text/event-stream",
          ...(lastId === undefined ? {} : { "last-event-id": lastId }),
        });
        const stop = () => request.destroy();
        signal.addEventListener("abort", stop, { once: true });
        const finish = () => {
          signal.removeEventListener("abort", stop);
          resolve();
        };
        request.on("error", finish).on("close", finish);
        request.on("response", (response) => {
          let rest = "";
          response.setEncoding("utf8");
          response.on("error", finish).on("close", finish);
          response.on("data", (text: string) => {
            const blocks = (rest + text).split("\n\n");
            rest = blocks.pop() ?? "";
            for (const block of blocks) {
              const event = parseEvent(block);
              if (event === undefined) continue;
              lastId = event.id ?? lastId;
              onEvent(event);
            }
          });
        });
        request.end();
      });
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  #open(method: string, path: string, headers: Record<string, string>) {
    const url = new URL(path, this.#base);
    const all = { ...headers, origin: this.#base.origin, ...(this.#cookie === "" ? {} : { cookie: this.#cookie }) };
    if (url.protocol === "http:") return httpRequest(url, { method, headers: all });
    return httpsRequest(url, { method, headers: all, ...(this.#ca === undefined ? {} : { ca: this.#ca }) });
  }

  #keepCookies(setCookie: readonly string[] | undefined): void {
    for (const line of setCookie ?? []) this.#cookie = line.split(";")[0] ?? this.#cookie;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function parseEvent(block: string): ServerEvent | undefined {
  let name = "message";
  let id: string | undefined;
  let data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("id:")) id = line.slice(3).trim();
    else if (line.startsWith("data:")) data += line.slice(5).trim();
  }
  if (data === "") return undefined;
  return { name, data: parseJson(data), ...(id === undefined ? {} : { id }) };
}
