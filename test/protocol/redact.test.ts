import { expect, test } from "vitest";
import { redacted, redactText } from "../../protocol/redact.ts";

/** Each with what is left of it: addresses of cameras as their makers write them. */
const ADDRESSES: [maker: string, address: string, shown: string][] = [
  ["Foscam", "http://10.0.0.9:88/v?usr=admin&pwd=hunter2", "http://10.0.0.9:88/v?usr=***&pwd=***"],
  [
    "Reolink",
    "http://10.0.0.9/cgi-bin/api.cgi?cmd=Snap&channel=0&user=admin&password=hunter2",
    "http://10.0.0.9/cgi-bin/api.cgi?cmd=Snap&channel=0&user=***&password=***",
  ],
  [
    "VStarcam",
    "http://10.0.0.9/videostream.cgi?loginuse=admin&loginpas=hunter2",
    "http://10.0.0.9/videostream.cgi?loginuse=***&loginpas=***",
  ],
  ["Hi3510", "http://10.0.0.9/s.cgi?-usr=admin&-pwd=hunter2&", "http://10.0.0.9/s.cgi?-usr=***&-pwd=***&"],
  [
    "XiongMai",
    "rtsp://10.0.0.9:554/user=admin_password=hunter2_channel=1_stream=0.sdp?real_stream",
    "rtsp://10.0.0.9:554/user=***_password=***_channel=1_stream=0.sdp?real_stream",
  ],
  [
    "XiongMai, older",
    "rtsp://10.0.0.9:554/user=admin&password=hunter2&channel=1&stream=0.sdp?",
    "rtsp://10.0.0.9:554/user=***&password=***&channel=1&stream=0.sdp?",
  ],
  ["TVT", "rtsp://10.0.0.9/profile1?AUTH=aHVudGVyMg==", "rtsp://10.0.0.9/profile1?AUTH=***"],
  ["a recorder", "https://10.0.0.9/live?access_token=hunter2#t", "https://10.0.0.9/live?access_token=***"],
  [
    "none",
    "rtsp://10.0.0.9/Streaming/Channels/102?transport=tcp",
    "rtsp://10.0.0.9/Streaming/Channels/102?transport=tcp",
  ],
];

test.each(ADDRESSES)("an address of %s shows neither account nor password, and where it leads", (_, address, shown) => {
  expect(redactText(`cannot open "${address}": 404`)).toBe(`cannot open "${shown}": 404`);
  expect(redacted({ cameras: [{ url: address }] })).toEqual({ cameras: [{ url: shown }] });
  // What is without secrets stays as it is: both halves hash configs by it.
  expect(redactText(shown)).toBe(shown);
});

test("outside of addresses what a name calls a secret is left out, and nothing else", () => {
  expect(redactText("QN=1;PW=123456;MN=88")).toBe("QN=1;PW=***;MN=88");
  expect(redactText("GET /user=admin_password=hunter2_channel=1")).toBe("GET /user=admin_password=***_channel=1");
  expect(redactText("user=42 key=7, 3 pictures")).toBe("user=42 key=7, 3 pictures");
});
