import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { InferenceSession, Tensor } from "../../gateway/vision/models/onnx-runtime.ts";

/**
 * Cameras as they are often read: for each an ffmpeg that scales to the model's size and one that records, every picture of
 * two a second judged, ONNX Runtime as it comes. Arguments: MODEL WIDTH HEIGHT FOLDER URL…; says its count once a second.
 */
const [model = "", widthText = "", heightText = "", folder = "", ...urls] = process.argv.slice(2);
const width = Number(widthText);
const height = Number(heightText);
const sizeBytes = width * height * 3;
const session = await InferenceSession.create(model);
const [name = ""] = session.inputNames;
let inferences = 0;
let line: Promise<unknown> = Promise.resolve();

for (const [index, url] of urls.entries()) {
  const input = ["-v", "error", "-rtsp_transport", "tcp", "-i", url];
  const raw = ["-vf", `fps=2,scale=${width}:${height}`, "-f", "rawvideo", "-pix_fmt", "bgr24", "pipe:1"];
  const pictures = spawn("ffmpeg", [...input, ...raw], { stdio: ["ignore", "pipe", "inherit"] });
  const segments = ["-c", "copy", "-f", "segment", "-segment_time", "10", "-segment_wrap", "6"];
  spawn("ffmpeg", [...input, ...segments, join(folder, `camera-${index}-%d.mp4`)], { stdio: "ignore" });
  let held = Buffer.alloc(0);
  pictures.stdout.on("data", (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= sizeBytes) {
      const picture = held.subarray(0, sizeBytes);
      held = held.subarray(sizeBytes);
      line = line.then(() => judge(picture));
    }
  });
}
setInterval(() => process.stdout.write(`${inferences}\n`), 1000);

async function judge(picture: Uint8Array): Promise<void> {
  const values = new Float32Array(sizeBytes);
  const plane = width * height;
  for (let pixel = 0; pixel < plane; pixel++)
    for (let channel = 0; channel < 3; channel++) values[channel * plane + pixel] = picture[pixel * 3 + channel] ?? 0;
  await session.run({ [name]: new Tensor("float32", values, [1, 3, height, width]) });
  inferences += 1;
}
