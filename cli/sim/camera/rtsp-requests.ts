export interface RtspRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: ReadonlyMap<string, string>;
}

const MAX_REQUEST_BYTES = 16 * 1024;

/** Requests out of what a client sends, which may hold receiver reports between them. @source RFC 2326 §6, §10.12 */
export class RtspRequests {
  #held: Buffer = Buffer.alloc(0);

  /** @throws Error for what is no RTSP, or a request without end */
  *push(chunk: Buffer): Generator<RtspRequest> {
    this.#held = Buffer.concat([this.#held, chunk]);
    for (;;) {
      if (this.#held[0] === 0x24) {
        if (this.#held.length < 4) return;
        const end = 4 + this.#held.readUInt16BE(2);
        if (this.#held.length < end) return;
        this.#held = this.#held.subarray(end);
        continue;
      }
      const end = this.#held.indexOf("\r\n\r\n");
      if (end < 0) {
        if (this.#held.length > MAX_REQUEST_BYTES) throw new Error("a request without end");
        return;
      }
      const [first = "", ...lines] = this.#held.subarray(0, end).toString("latin1").split("\r\n");
      const [, method, url] = /^([A-Z_]+) (\S+) RTSP\/1\.0$/.exec(first) ?? [];
      if (method === undefined || url === undefined) throw new Error("no RTSP");
      const headers = new Map(
        lines.map((line) => {
          const colon = line.indexOf(":");
          return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
        }),
      );
      const bodyBytes = Math.min(MAX_REQUEST_BYTES, Number(headers.get("content-length") ?? 0) || 0);
      if (this.#held.length < end + 4 + bodyBytes) return;
      this.#held = this.#held.subarray(end + 4 + bodyBytes);
      yield { method, url, headers };
    }
  }
}
