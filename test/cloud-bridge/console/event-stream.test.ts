import { createServer, type ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { followEvents, type StreamState } from "../../../cloud-bridge/console/src/api/event-stream.ts";

const end = new AbortController();
let close = async (): Promise<void> => {};
afterEach(async () => {
  end.abort();
  await close();
});

test("a stream that breaks is resumed with the number of the last event, also over an answer of 503", async () => {
  const asked: (string | undefined)[] = [];
  const answers: ((response: ServerResponse) => void)[] = [
    (response) =>
      response.writeHead(200).end("event: case\nid: 41\ndata: 1\n\nevent: live\ndata: 2\n\nevent: case\nda"),
    (response) => response.writeHead(503).end(),
    (response) => response.writeHead(200).write("event: case\nid: 42\ndata: 3\n\n"),
  ];
  const server = createServer((request, response) => {
    asked.push(request.headers["last-event-id"]?.toString());
    answers[asked.length - 1]?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;

  const events: string[] = [];
  const states: StreamState[] = [];
  void followEvents(
    `http://127.0.0.1:${port}/`,
    { onEvent: ({ data }) => events.push(data), onState: (state) => states.push(state) },
    end.signal,
  );
  await expect.poll(() => events, { timeout: 5000 }).toEqual(["1", "2", "3"]);
  expect(asked).toEqual([undefined, "41", "41"]);
  expect(states).toEqual(["live", "waiting", "waiting", "live"]);
});
