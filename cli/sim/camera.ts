import { createInterface } from "node:readline";
import { Command, Option } from "commander";
import { UsageError, usable } from "../usage-error.ts";
import { CameraFeed } from "./camera/feed.ts";
import { readRecording } from "./camera/recording.ts";
import { RtspServer } from "./camera/rtsp-server.ts";
import { untilAskedToEnd } from "./listen-options.ts";
import { GateCamera } from "./scene/gate-camera.ts";

interface Options {
  readonly rtsp: string;
  readonly path: string;
  readonly user?: string;
  readonly password?: string;
  readonly file?: string;
  readonly codec: "h264" | "h265";
  readonly fps?: string;
  readonly seed: string;
  readonly night?: boolean;
  readonly truck: "none" | "bare" | "covered";
  readonly sound?: boolean;
}

const LINES = `
A line on stdin changes what it does:
  truck bare | truck covered    a truck drives up to the gate and stands there, its bed open or covered
  leave                         it drives on
  freeze on | freeze off        the same picture again and again
  silence on | silence off      nothing more is sent, the connection stays
  drop fin | drop rst           ends all connections
  lost 0.05                     that share of RTP packets never comes
  slow 3000                     SETUP is answered so many milliseconds late
  refuse 2                      so many logins with the right account are refused`;

/** `shao sim camera`: a camera that speaks RTSP with Digest, showing a rendered gate or a file. */
export function cameraCommand(): Command {
  return new Command("camera")
    .description("a camera at a gate: RTSP over TCP, H.264 or H.265, an account, and faults")
    .option("--rtsp <[host:]port>", "where it listens (default: 127.0.0.1 on any free port)", "0")
    .option("--path <path>", "path of the stream", "/gate")
    .option("--user <name>", "asks for an account (Digest)")
    .option("--password <text>", "its password")
    .option("--file <path>", "plays this MP4 instead of a rendered gate; its very pictures, not coded anew")
    .addOption(new Option("--codec <name>", "how pictures are coded").choices(["h264", "h265"]).default("h264"))
    .option("--fps <n>", "pictures a second (5; of a file: its own, 25)")
    .option("--seed <n>", "which gate: the same number gives the same scene", "1")
    .option("--night", "by night, under a lamp")
    .addOption(
      new Option("--truck <kind>", "what stands there at first").choices(["none", "bare", "covered"]).default("none"),
    )
    .option("--sound", "G.711 beside the picture")
    .addHelpText("after", `${LINES}\nExample: shao sim camera --rtsp 8554 --night --truck bare`)
    .action((options: Options, self: Command) => usable(self, () => run(options)));
}

async function run(options: Options): Promise<void> {
  const [, host = "127.0.0.1", portText = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(options.rtsp) ?? [];
  if (portText === "" || Number(portText) > 65_535)
    throw new UsageError(`"${options.rtsp}" is no [host:]port, such as 8554`);
  if (!/^\/[\w./-]+$/.test(options.path)) throw new UsageError(`"${options.path}" is no path, such as /gate`);
  const { user, password } = options;
  if ((user === undefined) !== (password === undefined)) throw new UsageError("an account is --user and --password");
  const fps = Number(options.fps ?? (options.file === undefined ? 5 : 25));
  if (!(fps >= 1 && fps <= 60)) throw new UsageError(`"${options.fps}" is no rate of 1 to 60 pictures a second`);
  const seed = Number(options.seed);
  if (!Number.isInteger(seed)) throw new UsageError(`"${options.seed}" is no whole number`);
  const { codec, file } = options;
  if (file === undefined) process.stderr.write("rendering the gate …\n");
  const gate =
    file === undefined ? await GateCamera.open({ seed, isNight: options.night === true, codec, fps }) : undefined;
  const feed = gate?.feed ?? new CameraFeed(await readRecording(file ?? "", { codec, fps }));
  const server = await RtspServer.start({
    ...{ host, port: Number(portText), hasSound: options.sound === true, feeds: { [options.path]: feed } },
    ...(user === undefined || password === undefined ? {} : { account: { user, password } }),
  });
  if (options.truck !== "none") await gate?.arrive(options.truck === "covered");
  const url = `rtsp://${host}:${server.port}${options.path}`;
  process.stdout.write(`${JSON.stringify({ listening: { url, kind: "camera", codec, fps } })}\n`);
  process.stderr.write("simulated camera answers; lines on stdin change it (--help), Ctrl-C ends it\n");
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    void obey(line, server, feed, gate).then((isKnown) => {
      if (!isKnown) process.stderr.write(`"${line}" is no word for it; see --help\n`);
    });
  });
  await untilAskedToEnd();
  lines.close();
  process.stdin.destroy();
  feed.close();
  await server.close();
}

async function obey(
  line: string,
  server: RtspServer,
  feed: CameraFeed,
  gate: GateCamera | undefined,
): Promise<boolean> {
  const [verb = "", word = ""] = line.trim().split(/\s+/);
  const { faults } = server;
  const number = Number(word);
  const acts: Readonly<Record<string, () => void | Promise<void>>> = {
    "truck bare": () => gate?.arrive(false),
    "truck covered": () => gate?.arrive(true),
    "leave ": () => gate?.leave(),
    "freeze on": () => feed.freeze(true),
    "freeze off": () => feed.freeze(false),
    "silence on": () => void Object.assign(faults, { isSilent: true }),
    "silence off": () => void Object.assign(faults, { isSilent: false }),
    "drop fin": () => server.drop("fin"),
    "drop rst": () => server.drop("rst"),
  };
  const act = acts[`${verb} ${word}`];
  if (act !== undefined) await act();
  else if (verb === "lost" && number >= 0 && number <= 1) faults.lostShare = number;
  else if (verb === "slow" && number >= 0) faults.slowSetupMs = number;
  else if (verb === "refuse" && number >= 0) faults.refusals = number;
  else return false;
  return true;
}
