/** One event of a stream as the standard frames it. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
  /** Absent on a transient event: it does not move the place to resume from. */
  readonly id?: string;
}

/**
 * Takes a text stream in any cut and gives whole events.
 * @source WHATWG HTML, server-sent events, "Interpreting an event stream"
 */
export class EventParser {
  #rest = "";
  #event = "";
  #data: string[] = [];
  #id: string | undefined;

  push(text: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    this.#rest += text;
    for (;;) {
      const found = /\r\n|\n|\r(?!$)/.exec(this.#rest);
      if (!found) return events;
      const line = this.#rest.slice(0, found.index);
      this.#rest = this.#rest.slice(found.index + found[0].length);
      const event = this.#take(line);
      if (event) events.push(event);
    }
  }

  #take(line: string): StreamEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    return undefined;
  }

  #dispatch(): StreamEvent | undefined {
    const event = this.#event === "" ? "message" : this.#event;
    const data = this.#data;
    const id = this.#id;
    this.#event = "";
    this.#data = [];
    this.#id = undefined;
    if (data.length === 0) return undefined;
    return { event, data: data.join("\n"), ...(id === undefined ? {} : { id }) };
  }
}
