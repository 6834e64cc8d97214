import { type ChildProcess, spawn } from "node:child_process";
import { onTestFinished } from "vitest";
import { CameraFeed } from "../../cli/sim/camera/feed.ts";
import { encodeInput, type Recording, type RecordingShape } from "../../cli/sim/camera/recording.ts";
import { RtspServer, type RtspServerOptions } from "../../cli/sim/camera/rtsp-server.ts";
import type { CameraSettings } from "../../gateway/contracts/cameras.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { Camera, type CameraOptions } from "../../gateway/vision/capture/camera.ts";
import { probeFfmpeg } from "../../gateway/vision/capture/ffmpeg.ts";
import type { DeviceBody } from "../../protocol/bodies.ts";
import { QuietLog } from "./quiet-log.ts";
import { freePort, scratchFolder, stopped } from "./rigs.ts";

export const CAMERA: CameraSettings = {
  id: "gate",
  url: "",
  isEnabled: true,
  sound: "drop",
  analysis: { widthPx: 160, framesPerS: 25, decode: "all" },
  ringS: 60,
  ringMaxBytes: 32 * 1024 * 1024,
  frozenAfterS: 60,
  coveredAfterS: 30,
  onNoise: true,
  isMobile: false,
  clipBeforeS: 10,
  clipAfterS: 15,
  masks: [],
  blur: ["face", "plate"],
};

/** What moves, with its number in the picture for whoever looks at it. */
export function movingPictures(shape: RecordingShape, size = "320x180", seconds = 2): Promise<Recording> {
  return encodeInput(["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${shape.fps}:duration=${seconds}`], shape);
}

export interface ServedCamera {
  readonly feed: CameraFeed;
  readonly server: RtspServer;
  readonly url: string;
}

/** A simulated camera that ends with the test. */
export async function serveCamera(
  recording: Recording,
  options: Omit<RtspServerOptions, "feeds"> = {},
): Promise<ServedCamera> {
  const feed = new CameraFeed(recording);
  const server = await RtspServer.start({ ...options, feeds: { "/gate": feed } });
  onTestFinished(async () => {
    feed.close();
    await server.close();
  });
  return { feed, server, url: `rtsp://127.0.0.1:${server.port}/gate` };
}

export interface WatchedCamera {
  readonly camera: Camera;
  readonly log: QuietLog;
  readonly said: DeviceBody[];
  readonly ringDirectory: string;
  stop(): Promise<void>;
}

/** The product's capture of one camera, ended with the test. */
export function watchCamera(settings: Partial<CameraSettings>, options: Partial<CameraOptions> = {}): WatchedCamera {
  const log = new QuietLog();
  const said: DeviceBody[] = [];
  const folder = scratchFolder();
  const ringDirectory = `${folder.path}/ring`;
  const ffmpeg = probeFfmpeg();
  const camera = new Camera({
    settings: { ...CAMERA, ...settings },
    ffmpeg: () => ffmpeg,
    ringDirectory,
    clock: systemClock(),
    log,
    onHealth: (body) => said.push(body),
    ...options,
  });
  const end = new AbortController();
  const running = camera.run(end.signal);
  const ticking = setInterval(() => camera.tick(), 200);
  const stop = async (): Promise<void> => {
    clearInterval(ticking);
    end.abort();
    await running;
  };
  onTestFinished(async () => {
    await stop();
    folder.remove();
  });
  return { camera, log, said, ringDirectory, stop };
}

const GSTREAMER = `
import gi, sys
gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0'); gi.require_version('GstRtsp', '1.0')
from gi.repository import Gst, GstRtsp, GstRtspServer, GLib
Gst.init(None)
launch, port, user, password, certificate = (sys.argv + [""])[1:6]
server = GstRtspServer.RTSPServer(); server.set_address('127.0.0.1'); server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory(); factory.set_launch('( ' + launch + ' )'); factory.set_shared(True)
token = GstRtspServer.RTSPToken(); token.set_string('media.factory.role', 'viewer')
auth = GstRtspServer.RTSPAuth(); auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST); auth.add_digest(user, password, token)
if certificate:
  from gi.repository import Gio
  auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(certificate))
server.set_auth(auth)
permissions = GstRtspServer.RTSPPermissions()
permissions.add_permission_for_role('viewer', 'media.factory.access', True)
permissions.add_permission_for_role('viewer', 'media.factory.construct', True)
factory.set_permissions(permissions)
server.get_mount_points().add_factory('/gate', factory); server.attach(None)
print('ready', flush=True)
GLib.MainLoop().run()
`;

/**
 * GStreamer's RTSP server, with Digest.
 * @param launch a pipeline that ends in payloaders `pay0`, `pay1`
 * @param certificate PEM with key: then it speaks TLS
 */
export async function serveGstreamer(launch: string, user: string, password: string, certificate?: string) {
  const port = await freePort();
  const words = [
    "-c",
    GSTREAMER,
    launch,
    String(port),
    user,
    password,
    ...(certificate === undefined ? [] : [certificate]),
  ];
  const child = spawn("/usr/bin/python3", words, { stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(() => stopped(child));
  await saidReady(child);
  return { url: `${certificate === undefined ? "rtsp" : "rtsps"}://127.0.0.1:${port}/gate`, child };
}

function saidReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`ended with ${code}`)));
  });
}
