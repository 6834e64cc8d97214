"""Trains the classifier of a truck's bed on crops of the rendered trucks. python train_bed.py DATA OUT.pt [--steps N]"""

import argparse
import time

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

import dataset
from net import BedClassifier

SIDE = 64
LEAST_PX, LEAST_VISIBLE = 28, 0.6


def crops(items):
    """Every truck that can be judged: (picture, box, is uncovered)."""
    for data, labels in items:
        picture = None
        for label in labels:
            if label["kind"] != 0 or min(label["box"][2:]) < LEAST_PX or label["visible"] < LEAST_VISIBLE:
                continue
            if picture is None:
                picture = Image.fromarray(dataset.pixels(data))
            yield picture, label["box"], 0 if label["covered"] else 1


def cut(picture, box, margin=0.0):
    x, y, w, h = box
    left, top = max(0, round(x - w * margin)), max(0, round(y - h * margin))
    right, bottom = min(picture.width, round(x + w * (1 + margin))), min(picture.height, round(y + h * (1 + margin)))
    return picture.crop((left, top, max(left + 1, right), max(top + 1, bottom)))


def tensor(picture):
    pixels = np.asarray(picture.resize((SIDE, SIDE), Image.BILINEAR), dtype=np.float32)[:, :, ::-1]
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def augmented(picture, box, rng):
    x, y, w, h = box
    moved = (x + w * rng.normal(0, 0.04), y + h * rng.normal(0, 0.04), w * np.exp(rng.normal(0, 0.06)), h * np.exp(rng.normal(0, 0.06)))
    part = cut(picture, moved, 0.05)
    if rng.random() < 0.4:
        share = rng.uniform(0.35, 1)
        part = part.resize((max(8, round(part.width * share)), max(8, round(part.height * share))), Image.BILINEAR)
    pixels = tensor(part)
    if rng.random() < 0.5:
        pixels = pixels[:, :, ::-1]
    pixels = (pixels - 110) * rng.uniform(0.6, 1.4) + 110 + rng.uniform(-35, 35)
    pixels = pixels * rng.uniform(0.8, 1.2, (3, 1, 1))
    if rng.random() < 0.25:
        pixels = np.repeat(pixels.mean(0, keepdims=True), 3, 0)
    if rng.random() < 0.25:
        pixels = pixels[rng.permutation(3)]
    pixels = pixels + rng.normal(0, rng.uniform(0, 10), pixels.shape)
    return torch.from_numpy(np.clip(pixels, 0, 255).astype(np.float32))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(options.seed)
    items = list(crops(dataset.read(options.data)))
    net = BedClassifier()
    print(f"{len(items)} crops, {sum(p.numel() for p in net.parameters())} parameters", flush=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.03)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, options.steps)
    started, shown, right = time.process_time(), 0.0, 0.0
    for step in range(1, options.steps + 1):
        picked = [items[i] for i in rng.integers(len(items), size=options.batch)]
        kinds = torch.tensor([kind for _, _, kind in picked])
        scores = net(torch.stack([augmented(picture, box, rng) for picture, box, _ in picked]))
        loss = F.cross_entropy(scores, kinds, label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        shown = 0.97 * shown + 0.03 * loss.item()
        right = 0.97 * right + 0.03 * (scores.argmax(1) == kinds).float().mean().item()
        if step % 100 == 0:
            print(f"step {step} loss {shown:.3f} right {right:.3f} cpu {time.process_time() - started:.0f} s", flush=True)
            torch.save(net.state_dict(), options.out)
    torch.save(net.state_dict(), options.out)


if __name__ == "__main__":
    main()
