import { join } from "node:path";
import process from "node:process";
import { DRIVERS } from "../../drivers/registry.ts";
import { checkGatewayConfig } from "../../gateway/config/load-gateway-config.ts";
import { faultWords } from "../fault-words/fault-words.ts";
import type { Locale } from "../locale.ts";
import type { Answer } from "../probe/answer.ts";
import { SILENT } from "../silent-log.ts";
import { UsageError } from "../usage-error.ts";
import type { Asker } from "./asker.ts";
import { writeSecret } from "./secret-file.ts";
import type { InitWords } from "./text.ts";

interface Talk {
  readonly asker: Asker;
  readonly words: InitWords;
  readonly locale: Locale;
  readonly missing: string[];
  /** Of the config: passwords and first pictures lie beside it. */
  readonly folder: string;
}

type FoundCamera = { readonly id: string; readonly keys: Readonly<Record<string, string>> };

/** Tries each camera that is named; one that shows nothing is kept, and told. */
export async function findCameras(urls: readonly string[], talk: Talk): Promise<FoundCamera[]> {
  const { asker, words } = talk;
  const found: FoundCamera[] = [];
  const isUrl = (text: string) => (isCamera(text) ? undefined : words.cameraForm);
  for (const url of urls) {
    const wrong = isUrl(url);
    if (wrong !== undefined) throw new UsageError(`--camera: ${wrong}`);
    found.push(await look(url, `camera-${found.length + 1}`, talk));
  }
  if (urls.length > 0) return found;
  for (;;) {
    const url = await asker.ask(words.camera, "", isUrl);
    if (url === "") return found;
    found.push(await look(url, `camera-${found.length + 1}`, talk));
  }
}

async function look(url: string, id: string, { asker, words, locale, missing, folder }: Talk): Promise<FoundCamera> {
  const user = await asker.ask(words.cameraUser, "");
  const passwordFile = join(folder, `${id}.password`);
  if (user !== "") {
    const password = await asker.askSecret(words.cameraPassword);
    writeSecret(passwordFile, password);
  }
  const keys = { url, ...(user !== "" && { user, passwordFile }) };
  process.stderr.write(`${words.cameraLooks(id)}\n`);
  const answer = await tried(id, keys, folder);
  if (answer.ok) {
    const what = [answer["codec"], `${answer["widthPx"]}×${answer["heightPx"]}`, `${answer["fps"]}/s`].join(", ");
    process.stderr.write(`${words.cameraShows(id, what, String(answer["picture"] ?? "-"))}\n`);
  } else {
    const { message, hint } = faultWords(
      {
        code: String(answer["code"]),
        message: String(answer["message"] ?? answer["state"]),
        hint: String(answer["hint"] ?? ""),
      },
      locale,
    );
    const sentence = words.cameraBlind(id, message, hint);
    process.stderr.write(`${sentence}\n  ${words.cameraKept}\n`);
    missing.push(sentence);
  }
  return { id, keys };
}

async function tried(id: string, keys: Readonly<Record<string, string>>, pictures: string): Promise<Answer> {
  // ffmpeg and its watchdogs: only who has a camera pays for them.
  const { probeCamera } = await import("../probe/camera.ts");
  const camera = `node: trial\nbridge: { url: "mqtts://127.0.0.1" }\nstate: ./state\ncameras: ${JSON.stringify({ [id]: keys })}\n`;
  const checked = await checkGatewayConfig(Buffer.from(camera), DRIVERS);
  if (!checked.ok) return { ok: false, message: checked.faults.map(({ message }) => message).join("; ") };
  const [settings] = checked.config.cameras;
  if (settings === undefined) throw new Error("one camera gives one");
  const { ffmpeg } = checked.config.vision;
  return probeCamera(settings, { ffmpegPath: ffmpeg, withinMs: 15_000, pictures, log: SILENT });
}

/** An account in an address would show up in lists and logs. */
function isCamera(text: string): boolean {
  const url = URL.parse(text);
  const isKnown = url !== null && ["rtsp:", "rtsps:", "http:", "https:"].includes(url.protocol);
  return isKnown && url.hostname !== "" && url.username === "" && url.password === "";
}
