import { request } from "node:https";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";

/** What a phone does on the box's own network: `box-page.ts PORT PIN FINGERPRINT DEVICE`; the first level as JSON on stdout. */
const [port = "", pin = "", fingerprint = "", device = ""] = process.argv.slice(2);
const GIVE_UP_MS = 120_000;

interface Answer {
  readonly status: number;
  readonly cookie: string;
  readonly body: string;
}

/** Nobody vouches for the certificate: it must be the one that was printed beside the PIN. */
function ask(method: "GET" | "POST", path: string, cookie: string, body?: object): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = { cookie, ...(body === undefined ? {} : { "content-type": "application/json" }) };
  const sent = request({ host: "127.0.0.1", port, method, path, headers, rejectUnauthorized: false, agent: false });
  sent.once("error", reject);
  sent.once("socket", (socket) => {
    socket.once("secureConnect", () => {
      if (!("getPeerCertificate" in socket) || typeof socket.getPeerCertificate !== "function") return;
      const shown = String(socket.getPeerCertificate().fingerprint256).replaceAll(":", "").toLowerCase();
      if (shown !== fingerprint) sent.destroy(new Error(`the page shows the certificate ${shown}, not ${fingerprint}`));
    });
  });
  sent.once("response", async (response) => {
    let text = "";
    for await (const chunk of response) text += String(chunk);
    const [given = ""] = response.headers["set-cookie"] ?? [];
    resolve({ status: response.statusCode ?? 0, cookie: given.split(";")[0] ?? "", body: text });
  });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}

interface State {
  readonly levels: readonly {
    readonly device: string;
    readonly levels: readonly { readonly levelDb: number | null }[];
  }[];
}

const startMs = performance.now();
const entered = await ask("POST", "/api/session", "", { pin });
if (entered.status !== 200) throw new Error(`the PIN was not taken: ${entered.status} ${entered.body}`);
for (;;) {
  const { status, body } = await ask("GET", "/api/state", entered.cookie);
  if (status !== 200) throw new Error(`the page says ${status} ${body}`);
  const { levels } = JSON.parse(body) as State;
  const heard = levels.find((series) => series.device === device)?.levels.findLast(({ levelDb }) => levelDb !== null);
  if (heard !== undefined) {
    process.stdout.write(`${JSON.stringify(heard)}\n`);
    break;
  }
  if (performance.now() - startMs > GIVE_UP_MS) throw new Error(`no level of ${device}: ${body.slice(0, 2000)}`);
  await wait(100);
}
