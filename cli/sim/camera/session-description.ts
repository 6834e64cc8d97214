import type { Recording } from "./recording.ts";

export const VIDEO_TYPE = 96;
/** G.711 µ-law, 8 kHz. @source RFC 3551 §6 */
export const SOUND_TYPE = 0;

/** @source RFC 4566; parameters of RFC 6184 §8.2 and RFC 7798 §7.2 */
export function describeSession({ codec, fps, parameterSets }: Recording, hasSound: boolean): string {
  const sets = parameterSets.map((set) => Buffer.from(set).toString("base64"));
  const [sps = new Uint8Array()] = parameterSets;
  const profile = Buffer.from(sps.subarray(1, 4)).toString("hex");
  const parameters =
    codec === "h264"
      ? `packetization-mode=1;profile-level-id=${profile};sprop-parameter-sets=${sets.join(",")}`
      : `sprop-vps=${sets[0]};sprop-sps=${sets[1]};sprop-pps=${sets[2]}`;
  const sound = [`m=audio 0 RTP/AVP ${SOUND_TYPE}`, `a=rtpmap:${SOUND_TYPE} PCMU/8000`, "a=control:trackID=1"];
  return [
    ...["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=simulated camera", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*"],
    ...[`m=video 0 RTP/AVP ${VIDEO_TYPE}`, `a=rtpmap:${VIDEO_TYPE} ${codec === "h264" ? "H264" : "H265"}/90000`],
    ...[`a=framerate:${fps}`, `a=fmtp:${VIDEO_TYPE} ${parameters}`, "a=control:trackID=0"],
    ...(hasSound ? sound : []),
    "",
  ].join("\r\n");
}
