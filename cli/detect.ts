import { mkdir } from "node:fs/promises";
import { basename, join, parse } from "node:path";
import { Command } from "commander";
import sharp from "sharp";
import { Detector } from "../gateway/vision/models/detector.ts";
import type { Detection, Picture } from "../gateway/vision/models/picture.ts";
import { readModel } from "../gateway/vision/models/read-manifest.ts";
import { EXIT } from "./subcommand.ts";
import { ownersOf, whoseModel } from "./whose-model.ts";

/** A picture of more pixels is refused before it is unpacked. */
const MOST_PIXELS = 120_000_000;

/** `shao detect --model DIR IMAGE…`: what a detector sees in pictures, one object a line. */
export function command(): Command {
  return new Command()
    .argument("<image...>", "pictures: JPEG, PNG, WebP, TIFF")
    .requiredOption("--model <dir>", "folder of the detector, with its manifest.yaml")
    .option("--draw <dir>", "write each picture with its boxes there, as JPEG")
    .addHelpText(
      "after",
      "\nstdout: {file, detections:[{label, score, box:[left, top, width, height]}], preprocessMs, inferenceMs,\n" +
        "postprocessMs, model:{name, licence, sha256, secondStage}}, one a line; boxes in pixels of the upright picture.\n" +
        "A second stage writes `truck/uncovered`. Whose the model is, and its hash, are said on stderr too.\n" +
        "A picture that cannot be read is said on stderr, and the exit code is 1.\n" +
        "Example: shao detect --model models/site-watch gate.jpg --draw /tmp/drawn",
    )
    .action(async (images: readonly string[], options: { model: string; draw?: string }) => {
      const files = await readModel(options.model);
      const model = whoseModel(files);
      process.stderr.write(ownersOf(model));
      const detector = await Detector.open(files);
      if (options.draw !== undefined) await mkdir(options.draw, { recursive: true });
      const names = new Set<string>();
      for (const file of images) {
        const picture = await readPicture(file);
        if (picture === undefined) continue;
        const { detections, ...times } = await detector.detect(picture);
        const line = { file, detections: detections.map(rounded), ...roundedTimes(times), model };
        process.stdout.write(`${JSON.stringify(line)}\n`);
        if (options.draw !== undefined) await draw(picture, detections, join(options.draw, freeName(file, names)));
      }
      await detector.close();
    });
}

async function readPicture(file: string): Promise<Picture | undefined> {
  try {
    const image = sharp(file, { limitInputPixels: MOST_PIXELS, failOn: "error" });
    const { data, info } = await image
      .rotate()
      .removeAlpha()
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, rgb: threeChannels(data, info.channels) };
  } catch (error) {
    const said = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    process.stderr.write(`shao detect: ${file} is no picture that can be read: ${said}\n`);
    process.exitCode = EXIT.fault;
    return undefined;
  }
}

function threeChannels(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return data;
  const rgb = new Uint8Array((data.length / channels) * 3);
  for (let from = 0, to = 0; from < data.length; from += channels, to += 3) rgb.fill(data[from] ?? 0, to, to + 3);
  return rgb;
}

function rounded({ label, score, box }: Detection) {
  return { label, score: Number(score.toFixed(4)), box: box.map((side) => Number(side.toFixed(1))) };
}

function roundedTimes(times: Readonly<Record<"preprocessMs" | "inferenceMs" | "postprocessMs", number>>) {
  const { preprocessMs, inferenceMs, postprocessMs } = times;
  const short = (ms: number): number => Number(ms.toFixed(2));
  return { preprocessMs: short(preprocessMs), inferenceMs: short(inferenceMs), postprocessMs: short(postprocessMs) };
}

/** Pictures of one name from two folders do not overwrite each other. */
function freeName(file: string, taken: Set<string>): string {
  const { name } = parse(basename(file));
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? `${name}.jpg` : `${name}-${number}.jpg`;
    if (taken.has(candidate)) continue;
    taken.add(candidate);
    return candidate;
  }
}

async function draw({ width, height, rgb }: Picture, detections: readonly Detection[], path: string): Promise<void> {
  const stroke = Math.max(2, Math.round(Math.min(width, height) / 240));
  const size = stroke * 7;
  const marks = detections.map(({ label, score, box: [x, y, w, h] }) => {
    const colour = `hsl(${[...label].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 360} 90% 55%)`;
    const text = `${label} ${score.toFixed(2)}`.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    const textY = Math.max(size, y - stroke);
    return (
      `<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="none" stroke="${colour}" stroke-width="${stroke}"/>` +
      `<text x="${x}" y="${textY}" font-size="${size}" font-family="sans-serif" fill="${colour}" stroke="black" ` +
      `stroke-width="${stroke / 6}">${text}</text>`
    );
  });
  const overlay = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${marks.join("")}</svg>`;
  await sharp(rgb, { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(overlay) }])
    .jpeg({ quality: 90 })
    .toFile(path);
}
