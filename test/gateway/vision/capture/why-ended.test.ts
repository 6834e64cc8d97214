import { expect, test } from "vitest";
import { whyEnded } from "../../../../gateway/vision/capture/capture-run.ts";

/** What ffmpeg 5.1.9 said to a server of RTSP and one of HTTP that answered so. */
const REFUSALS: [what: string, code: string, words: string][] = [
  [
    "401 by HTTP",
    "CAMERA_AUTH",
    `[concat @ 0x55dc8153fc40] [error] Impossible to open 'http://u:p@10.0.0.9/x'
[error] pipe:3: Server returned 401 Unauthorized (authorization failed)`,
  ],
  [
    "401 by RTSP",
    "CAMERA_AUTH",
    `[rtsp @ 0x55f6444745c0] [error] method DESCRIBE failed: 401 Reason Of It
[concat @ 0x55f644462c40] [error] Impossible to open 'rtsp://u:p@10.0.0.9/x'`,
  ],
  ["403", "CAMERA_AUTH", "[error] pipe:3: Server returned 403 Forbidden (access denied)"],
  ["404 by HTTP", "CAMERA_NO_STREAM", "[error] pipe:3: Server returned 404 Not Found"],
  ["404 by RTSP", "CAMERA_NO_STREAM", "[rtsp @ 0x563dca1865c0] [error] method SETUP failed: 404 Reason Of It"],
  ["454", "CAMERA_NO_STREAM", "[rtsp @ 0x563dca1865c0] [error] method PLAY failed: 454 Session Not Found"],
  ["no video", "CAMERA_NO_STREAM", "[fatal] Stream map '0:v:0' matches no streams."],
];

test.each(REFUSALS)("%s is %s", (_, code, words) => {
  expect(whyEnded(`${words}\n`, 1, false).code).toBe(code);
});

test("an address or a decoder that has such a number in it is no refusal", () => {
  // Channel 4 of a recorder is 401 by its maker's rule.
  const address = "[concat @ 0x55b4] [error] Impossible to open 'rtsp://10.0.0.9/Streaming/Channels/401'";
  expect(whyEnded(`${address}\n[error] pipe:3: Connection refused\n`, 1, false)).toEqual({
    ...{ code: "CAMERA_UNREACHABLE", message: "pipe:3: Connection refused" },
  });
  const decoder = `[h264 @ 0x55b4] [error] error while decoding MB 403 401, bytestream 404
[h264 @ 0x55b4] [error] concealing 401 DC, 401 AC, 401 MV errors in P frame
[mov @ 0x55b4] [error] moov atom not found`;
  expect(whyEnded(`${decoder}\n`, 0, true)).toMatchObject({ code: "CAMERA_ENDED" });
});
