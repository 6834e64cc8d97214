import { expect, test } from "vitest";
import { carriesSecret, withKeptSecrets } from "../../../gateway/config/kept-secrets.ts";
import { plain } from "../../../protocol/document/check-document.ts";
import { parseDocumentText } from "../../../protocol/document/parse-document.ts";

const camera = (address: string) => parseDocumentText(`cameras: { gate: { url: "${address}" } }\n`).root;
const OWN = "rtsp://10.0.0.9/user=admin_password=hunter2_channel=1_stream=0.sdp";
const SHOWN = OWN.replace("admin", "***").replace("hunter2", "***");

test("an account within a camera's address stays on the box, and goes to no other address", () => {
  expect([carriesSecret(camera(OWN)), carriesSecret(camera(SHOWN))]).toEqual([true, false]);
  const kept = withKeptSecrets(camera(SHOWN), camera(OWN));
  expect([plain(kept.root), kept.lacking]).toEqual([{ cameras: { gate: { url: OWN } } }, []]);
  const elsewhere = withKeptSecrets(camera(SHOWN.replace("10.0.0.9", "10.0.0.8")), camera(OWN));
  expect(elsewhere.lacking).toEqual(["cameras.gate.url"]);
});
