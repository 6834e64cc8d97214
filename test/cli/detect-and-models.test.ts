import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { expect, test } from "vitest";
import { runShao } from "../fakes/run-shao.ts";
import { temporaryDirectory } from "../gateway/journal/sample-records.ts";

const GRAPHS = fileURLToPath(new URL("../gateway/vision/models/graphs/", import.meta.url));

test("a detector is imported, listed with licence and hash, tried on pictures; what does not fit leaves nothing", async () => {
  const folder = temporaryDirectory();
  const models = join(folder, "models");
  const add = (graph: string, family: string, ...more: string[]) =>
    runShao("models", "add", join(GRAPHS, graph), "--family", family, "--into", models, ...more);
  const added = await add("yolo.onnx", "yolo11", "--labels", "truck,person", "--name", "gate", "--licence", "AGPL-3.0");
  expect([added.code, added.talk]).toEqual([0, expect.stringContaining("shao detect --model")]);
  expect(added.lines[0]).toMatchObject({ name: "gate", family: "yolo11", licence: "AGPL-3.0" });

  const wrong = await add("yolo.onnx", "yolox", "--labels", "truck,person", "--name", "other");
  expect([wrong.code, wrong.talk]).toEqual([1, expect.stringContaining("MODEL_OUTPUT")]);
  const again = await add("yolo.onnx", "yolo11", "--labels", "truck,person", "--name", "gate");
  expect([again.code, again.talk]).toEqual([1, expect.stringContaining("MODEL_EXISTS")]);
  expect(readdirSync(models)).toEqual(["gate"]);
  expect((await add("yolo.onnx", "yolo11", "--labels", "truck", "--name", "No Name")).code).toBe(64);

  const list = await runShao("models", "ls", "--into", models);
  expect(list.lines[0]).toMatchObject({
    name: "gate",
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    licence: "AGPL-3.0",
    labels: ["truck", "person"],
  });

  const picture = join(folder, "red.png");
  await sharp({ create: { width: 128, height: 64, channels: 3, background: { r: 255, g: 0, b: 0 } } })
    .png()
    .toFile(picture);
  writeFileSync(join(folder, "text.jpg"), "no picture");
  const drawn = join(folder, "drawn");
  const seen = await runShao(
    "detect",
    "--model",
    join(models, "gate"),
    picture,
    join(folder, "text.jpg"),
    "--draw",
    drawn,
  );
  expect([seen.code, seen.talk]).toEqual([1, expect.stringContaining("text.jpg is no picture")]);
  const line = seen.lines[0] as Readonly<Record<string, unknown>>;
  expect(Object.keys(line)).toEqual(["file", "detections", "preprocessMs", "inferenceMs", "postprocessMs", "model"]);
  // Whose it is, and which: with every verdict, and once for people.
  const { name, licence, sha256 } = added.lines[0] as Readonly<Record<string, unknown>>;
  expect(line["model"]).toEqual({ name: "gate", licence: "AGPL-3.0", sha256 });
  expect(seen.talk).toContain(`model ${name}: licence ${licence}, SHA-256 ${sha256}\n`);
  expect((line["detections"] as unknown[])[0]).toEqual({
    label: "truck",
    score: expect.closeTo(0.651, 2),
    box: [44, 0, 40, 32],
  });
  const { data } = await sharp(join(drawn, "red.jpg")).raw().toBuffer({ resolveWithObject: true });
  // A box was drawn: a red picture is no longer red everywhere.
  expect(data.some((value, at) => at % 3 === 1 && value > 100)).toBe(true);

  writeFileSync(join(models, "gate/model.onnx"), "exchanged");
  const broken = await runShao("models", "ls", "--into", models);
  expect([broken.code, broken.lines]).toMatchObject([1, [{ fault: { code: "MODEL_HASH" } }]]);
}, 120_000);

test("a second stage says its own licence and hash wherever its model does", async () => {
  const picture = join(temporaryDirectory(), "grey.png");
  await sharp({ create: { width: 64, height: 64, channels: 3, background: "grey" } }).toFile(picture);
  const stages = {
    ...{ name: "site-watch", licence: "Apache-2.0", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    secondStage: { name: "site-watch-bed", licence: "Apache-2.0", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  };
  expect((await runShao("models", "ls")).lines).toContainEqual(expect.objectContaining(stages));
  const { lines, talk } = await runShao("detect", "--model", "models/site-watch", picture);
  expect(lines).toMatchObject([{ model: stages }]);
  expect(talk).toMatch(
    /model site-watch: .*\n {2}second stage site-watch-bed: licence Apache-2\.0, SHA-256 [0-9a-f]{64}\n/u,
  );
});
