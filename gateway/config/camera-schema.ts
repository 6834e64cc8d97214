import { type Static, Type } from "typebox";
import { NAME_PATTERN, Polygon } from "./violation-schema.ts";

const MIN_RING_BYTES = 1_048_576;

const Analysis = Type.Object(
  {
    widthPx: Type.Integer({
      minimum: 160,
      maximum: 1920,
      multipleOf: 2,
      default: 640,
      title: "Width of the pictures that are judged",
      description: "Their height follows from the camera's.",
    }),
    framesPerS: Type.Number({ minimum: 0.1, maximum: 25, default: 2, title: "Pictures a second that are judged" }),
    decode: Type.Union([Type.Literal("all"), Type.Literal("exact"), Type.Literal("keyframes")], {
      default: "all",
      title: "What is decoded",
      description:
        "`all`: every picture, but the edges of the codec's blocks are not smoothed, which no detector notices; `exact`: smoothed too, for a sixth more time. `keyframes` costs a fifth of the time, and gives a picture only as often as the camera sends a whole one: set it to one a second.",
    }),
  },
  { default: {}, title: "Pictures for judgement" },
);

/** One camera. What no schema can say is in check-cameras.ts. */
export const Camera = Type.Object(
  {
    url: Type.String({
      minLength: 1,
      maxLength: 1024,
      title: "Where its video is",
      description:
        "rtsp: or rtsps: (H.264, H.265), http: or https: (motion JPEG), or file: for trials. The second, smaller stream of a camera does for most. Without account.",
      expected: "an address: rtsp://HOST:PORT/PATH",
      examples: ["rtsp://192.168.1.64:554/Streaming/Channels/102"],
    }),
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 64, title: "Account", examples: ["viewer"] })),
    passwordFile: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1024,
        title: "File with the account's password",
        description: "Nothing else in it; readable for the gateway's user only.",
        examples: ["/etc/shao/gate.password"],
      }),
    ),
    passwordEnv: Type.Optional(
      Type.String({
        pattern: "^[A-Z_][A-Z0-9_]{0,63}$",
        title: "Or the environment variable that holds it",
        examples: ["SHAO_GATE_PASSWORD"],
      }),
    ),
    tls: Type.Optional(
      Type.Object(
        {
          fingerprint: Type.Optional(
            Type.String({
              pattern: "^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$",
              title: "SHA-256 of the camera's certificate",
              description: "For cameras that made their own: this certificate and no other, whatever name it bears.",
              expected: "64 hex digits, with or without colons",
              examples: [
                "A1:B2:C3:D4:E5:F6:07:18:29:3A:4B:5C:6D:7E:8F:90:A1:B2:C3:D4:E5:F6:07:18:29:3A:4B:5C:6D:7E:8F:90",
              ],
            }),
          ),
          caFile: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 1024,
              title: "File with the certificate of your own authority, PEM",
              examples: ["/etc/shao/cameras-ca.pem"],
            }),
          ),
        },
        {
          title: "Certificate of an rtsps: or https: camera",
          description:
            "Left out: one that the public authorities vouch for. Another is refused, and the refusal says its fingerprint.",
          examples: [{ caFile: "/etc/shao/cameras-ca.pem" }],
        },
      ),
    ),
    enabled: Type.Boolean({ default: true, title: "Started with the gateway" }),
    sound: Type.Union([Type.Literal("drop"), Type.Literal("transcode")], {
      default: "drop",
      title: "Sound of the camera",
      description:
        "Left out, and not even asked for; or kept in clips as AAC, where the law allows it. Clips say which.",
    }),
    analysis: Analysis,
    ringS: Type.Integer({
      minimum: 30,
      maximum: 600,
      default: 60,
      title: "Seconds of video that clips can be cut from",
      description:
        "A clip waits for its end; what it begins with must still be there then, also when others are cut first.",
    }),
    ringMaxBytes: Type.Integer({
      minimum: MIN_RING_BYTES,
      maximum: 1e10,
      default: 33_554_432,
      title: "Most that they take of the memory disk",
    }),
    expectFps: Type.Optional(
      Type.Number({
        minimum: 0.1,
        maximum: 120,
        title: "Pictures a second that the camera is set to",
        description:
          "Half of it, or half as many again, is shown as a fault. Left out: what it gave in its first 20 s.",
        examples: [25],
      }),
    ),
    frozenAfterS: Type.Integer({
      minimum: 5,
      maximum: 86_400,
      default: 60,
      title: "A picture without any change for so long is frozen",
    }),
    coveredAfterS: Type.Integer({
      minimum: 5,
      maximum: 86_400,
      default: 30,
      title: "A picture without structure for so long is covered",
    }),
    onNoise: Type.Boolean({
      default: true,
      title: "Noise alarms of this node take its snapshot and clip too",
    }),
    noiseFrom: Type.Optional(
      Type.Array(Type.String({ pattern: NAME_PATTERN }), {
        maxItems: 64,
        title: "Meters that it stands beside",
        description: "Only their noise alarms take its snapshot and clip. Left out: those of every meter of this node.",
        examples: [["noise-01"]],
      }),
    ),
    clipBeforeS: Type.Integer({ minimum: 0, maximum: 120, default: 10, title: "Seconds of a clip before the alarm" }),
    clipAfterS: Type.Integer({ minimum: 1, maximum: 120, default: 15, title: "Seconds of a clip after it" }),
    blur: Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      default: ["face", "plate"],
      maxItems: 32,
      title: "Labels that are blurred on the copy with boxes",
      description: "Of what the detector finds. The original stays as it is.",
    }),
    masks: Type.Array(
      Polygon("Part of the picture", "Its motion means nothing: leaves, a flag, a road behind the fence."),
      { default: [], maxItems: 32, title: "Where motion means nothing" },
    ),
  },
  {
    title: "Camera",
    expected: "a camera: `url: rtsp://HOST/PATH`, with `user` and `passwordFile` where it asks for an account",
    examples: [{ url: "rtsp://192.168.1.64:554/Streaming/Channels/102", user: "viewer" }],
  },
);
export type Camera = Static<typeof Camera>;

/** Section `vision.live`. */
export const Live = Type.Object(
  {
    widthPx: Type.Integer({ minimum: 160, maximum: 1920, default: 640, title: "Width of the picture at most" }),
    framesPerS: Type.Integer({ minimum: 1, maximum: 30, default: 10, title: "Pictures a second at most" }),
    kbitPerS: Type.Integer({ minimum: 50, maximum: 8000, default: 300, title: "Kilobits a second" }),
  },
  {
    default: {},
    title: "Live video that is coded anew",
    description: "For the bridge, from cameras that send something else than H.264. H.264 is copied as it comes.",
  },
);
