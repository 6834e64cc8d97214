import ffmpeg from "fluent-ffmpeg";
import { GatewayError } from "../../contracts/gateway-error.ts";

const JOB_WITHIN_S = 30;

/** Short jobs of ffmpeg on files that are already here: nothing else of fluent-ffmpeg is used, and nowhere else. */
export class MediaJobs {
  readonly #path: string;
  /** One at a time: an alarm of many cameras must not take the box. */
  #line: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** One clip out of fragments, its index at the front so that a browser plays it at once; no picture is touched. */
  clip(from: string, to: string, isHevc: boolean): Promise<void> {
    const tag = isHevc ? ["-tag:v", "hvc1"] : [];
    return this.#run((command) =>
      command
        .input(from)
        .outputOptions(["-map", "0", "-c", "copy", ...tag, "-movflags", "+faststart"])
        .output(to),
    );
  }

  /** The picture of a moment, as JPEG of the best quality that this ffmpeg has. @param offsetMs from the clip's start */
  async picture(from: string, offsetMs: number, to: string): Promise<void> {
    await this.#run((command) =>
      command
        .input(from)
        .inputOptions(["-ss", (Math.max(0, offsetMs) / 1000).toFixed(3)])
        .outputOptions(["-map", "0:v:0", "-frames:v", "1", "-q:v", "2", "-f", "image2", "-update", "1", "-y"])
        .output(to),
    );
  }

  #run(build: (command: ffmpeg.FfmpegCommand) => ffmpeg.FfmpegCommand): Promise<void> {
    const done = this.#line.then(
      () =>
        new Promise<void>((resolve, reject) => {
          const command = build(ffmpeg({ timeout: JOB_WITHIN_S }).setFfmpegPath(this.#path));
          command.outputOptions(["-threads", "1"]);
          command.on("end", () => resolve());
          command.on("error", (error: Error) => {
            const hint = "Look whether the state folder and the ring's folder have room, and ffmpeg is whole.";
            reject(new GatewayError("MEDIA_JOB", `ffmpeg: ${error.message.slice(0, 200)}`, { hint, cause: error }));
          });
          command.run();
        }),
    );
    this.#line = done.catch(() => {});
    return done;
  }
}
