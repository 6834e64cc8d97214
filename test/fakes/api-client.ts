import { Agent, request } from "node:https";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly bytes: Buffer;
  readonly json: unknown;
}

export interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A browser as far as the API is concerned: keeps its cookie, says its origin. */
export class ApiClient {
  readonly #base: URL;
  readonly #agent: Agent;
  cookie: string | undefined;

  constructor(base: string, ca: string) {
    this.#base = new URL(base);
    this.#agent = new Agent({ ca, keepAlive: true });
  }

  get origin(): string {
    return this.#base.origin;
  }

  /** Asks as a page of the bridge would; headers given here replace those. */
  ask(path: string, { method = "GET", body, headers = {} }: Ask = {}): Promise<Answer> {
    const isPlain = typeof body === "string" || body instanceof Uint8Array;
    const text = body === undefined ? undefined : isPlain ? body : JSON.stringify(body);
    const all: Record<string, string> = {
      origin: this.origin,
      "sec-fetch-site": "same-origin",
      ...(text === undefined
        ? {}
        : { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) }),
      ...(this.cookie === undefined ? {} : { cookie: this.cookie }),
      ...headers,
    };
    for (const [name, value] of Object.entries(all)) if (value === "") delete all[name];
    return new Promise((resolve, reject) => {
      const call = request(new URL(path, this.#base), { method, headers: all, agent: this.#agent }, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.once("error", reject);
        response.once("end", () => {
          const [cookie] = response.headers["set-cookie"] ?? [];
          if (cookie !== undefined) this.cookie = cookie.split(";")[0];
          const bytes = Buffer.concat(parts);
          const answer = bytes.toString();
          const isJson = String(response.headers["content-type"]).includes("json");
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: answer,
            bytes,
            json: isJson ? JSON.parse(answer) : undefined,
          });
        });
      });
      call.once("error", reject);
      call.end(text);
    });
  }

  post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.ask(path, { method: "POST", body, headers });
  }

  /** Opens the event stream and hands over each `event:`/`data:` block until `close`. */
  events(
    onEvent: (event: { name: string; id?: string; data: unknown }) => void,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ close(): void; ended: Promise<void> }> {
    return new Promise((resolve, reject) => {
      const all = {
        accept: "text/event-stream",
        ...(this.cookie === undefined ? {} : { cookie: this.cookie }),
        ...headers,
      };
      const call = request(new URL("/api/v1/events", this.#base), { headers: all, agent: this.#agent }, (response) => {
        if (response.statusCode !== 200) {
          response.resume();
          reject(new Error(`events answered ${response.statusCode}`));
          return;
        }
        let rest = "";
        response.on("data", (chunk: Buffer) => {
          const blocks = (rest + chunk.toString()).split("\n\n");
          rest = blocks.pop() ?? "";
          for (const block of blocks) {
            const field = (name: string) => new RegExp(`^${name}: (.*)$`, "mu").exec(block)?.[1];
            const [name, data, id] = [field("event"), field("data"), field("id")];
            if (name === undefined || data === undefined) continue;
            onEvent({ name, data: JSON.parse(data), ...(id === undefined ? {} : { id }) });
          }
        });
        const ended = new Promise<void>((done) => response.once("close", () => done()));
        resolve({ close: () => call.destroy(), ended });
      });
      call.once("error", (error) => reject(error));
      call.end();
    });
  }
}
