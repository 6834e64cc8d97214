import type { DocumentFault } from "../../protocol/document/fault.ts";
import { type DocumentNode, faultAt, nodeAt } from "../../protocol/document/parse-document.ts";
import type { CameraSettings } from "../contracts/cameras.ts";
import type { Camera } from "./camera-schema.ts";
import { keysOf, textAt, unknownNames } from "./document-parts.ts";

const DEFAULTS = { ringS: 60, clipBeforeS: 10, clipAfterS: 15 };
/** A clip is cut a little after its end, and begins at the whole picture before its start. */
const RING_MARGIN_S = 5;

/** What the schema of a camera cannot say. */
export function checkCameras(root: DocumentNode, faults: DocumentFault[]): void {
  const devices = keysOf(root, ["devices"]);
  for (const camera of keysOf(root, ["cameras"])) {
    const at = (key: string): string[] => ["cameras", camera, key];
    const wrong = (key: string, message: string, expected: string, example: string): void => {
      const place = nodeAt(root, at(key)) === undefined ? ["cameras", camera] : at(key);
      faults.push(
        faultAt(root, place, {
          code: "CONFIG_WRONG_VALUE",
          message: `cameras.${camera}: ${message}`,
          expected,
          example,
        }),
      );
    };
    if (devices.includes(camera)) {
      wrong("", "a device has this name too", "another name", `${camera}-camera: { url: "rtsp://192.168.1.64/" }`);
    }
    checkUrl(textAt(root, at("url")), wrong);
    const user = textAt(root, at("user"));
    const passwords = [textAt(root, at("passwordFile")), textAt(root, at("passwordEnv"))].filter(
      (text) => text !== undefined,
    );
    if ((user === undefined && passwords.length > 0) || (user !== undefined && passwords.length !== 1)) {
      const expected = "`user` with either `passwordFile` or `passwordEnv`, or none of them";
      wrong(
        "user",
        "an account is a user and one place for its password",
        expected,
        "passwordFile: /etc/shao/gate.password",
      );
    }
    const url = textAt(root, at("url"));
    if (nodeAt(root, at("tls")) !== undefined && url !== undefined && !/^(rtsps|https):/i.test(url)) {
      wrong(
        "tls",
        "only rtsps: and https: have a certificate",
        "no `tls` here, or an address with TLS",
        "url: rtsps://192.168.1.64/",
      );
    }
    faults.push(...unknownNames(root, at("noiseFrom"), "device", devices, "devices"));
    const seconds = (key: keyof typeof DEFAULTS): number => numberAt(root, at(key)) ?? DEFAULTS[key];
    const neededS = seconds("clipBeforeS") + seconds("clipAfterS") + RING_MARGIN_S;
    if (seconds("ringS") < neededS) {
      const message = `a clip of ${seconds("clipBeforeS")} s before and ${seconds("clipAfterS")} s after does not fit`;
      wrong("ringS", `${message} into ${seconds("ringS")} s`, `ringS at least ${neededS}`, `ringS: ${neededS}`);
    }
  }
}

function checkUrl(
  url: string | undefined,
  wrong: (key: string, message: string, expected: string, example: string) => void,
): void {
  if (url === undefined) return;
  const example = "url: rtsp://192.168.1.64:554/Streaming/Channels/102";
  const parsed = URL.parse(url);
  const isFile = url.startsWith("/") || parsed?.protocol === "file:";
  const isKnown = parsed !== null && ["rtsp:", "rtsps:", "http:", "https:"].includes(parsed.protocol);
  if (!isFile && (!isKnown || parsed.hostname === "")) {
    wrong(
      "url",
      "no address of a camera",
      "rtsp://, rtsps://, http://, https:// or file:// with what follows",
      example,
    );
  } else if (parsed !== null && (parsed.username !== "" || parsed.password !== "")) {
    wrong("url", "an account in an address shows up in logs and lists", "`user` and `passwordFile` beside it", example);
  } else if (/['\r\n]/.test(url)) {
    wrong(
      "url",
      "a quote or a line break has no place in an address",
      "the address with such characters as %27",
      example,
    );
  }
}

/** Cameras as the gateway's stages want them. @param isMobile the node is a vehicle */
export function resolveCameras(
  cameras: Readonly<Record<string, Camera>>,
  isMobile: boolean,
): readonly CameraSettings[] {
  return Object.entries(cameras).map(
    ([id, { user, passwordFile, passwordEnv, tls, enabled, expectFps, noiseFrom, ...rest }]) => ({
      id,
      ...rest,
      ...(user === undefined
        ? {}
        : {
            account: {
              user,
              ...(passwordFile === undefined ? {} : { passwordFile }),
              ...(passwordEnv === undefined ? {} : { passwordEnv }),
            },
          }),
      ...(expectFps === undefined ? {} : { expectFps }),
      ...(noiseFrom === undefined ? {} : { noiseFrom }),
      ...(tls === undefined
        ? {}
        : {
            tls: {
              ...(tls.caFile === undefined ? {} : { caFile: tls.caFile }),
              ...(tls.fingerprint === undefined ? {} : { fingerprint: tls.fingerprint }),
            },
          }),
      isEnabled: enabled,
      isMobile,
    }),
  );
}

function numberAt(root: DocumentNode, path: readonly string[]): number | undefined {
  const node = nodeAt(root, path);
  return node?.type === "scalar" && typeof node.value === "number" ? node.value : undefined;
}
