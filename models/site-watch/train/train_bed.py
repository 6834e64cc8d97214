"""Trains the classifier of a truck's bed. python train_bed.py CROPS.npz OUT.pt [--steps N] [--seed N]"""

import argparse
import time

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from net import BedClassifier

SIDE = 64


def tensor(picture):
    pixels = np.asarray(picture.resize((SIDE, SIDE), Image.BILINEAR), dtype=np.float32)[:, :, ::-1]
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def augmented(crop, rng):
    """The crop was taken a tenth wider on each side: another cut within, mirrored, in other light."""
    side = crop.shape[0]
    left, top, right, bottom = (side * rng.uniform(0.0, 0.13) for _ in range(4))
    part = Image.fromarray(crop).crop((int(left), int(top), int(side - right), int(side - bottom)))
    if rng.random() < 0.3:
        low = int(rng.integers(28, 60))
        part = part.resize((low, low), Image.BILINEAR)
    pixels = tensor(part)
    if rng.random() < 0.5:
        pixels = pixels[:, :, ::-1]
    pixels = (pixels - 110) * rng.uniform(0.8, 1.4) + 110 + rng.uniform(-30, 30)
    if rng.random() < 0.2:
        pixels = np.repeat(pixels.mean(0, keepdims=True), 3, 0)
    elif rng.random() < 0.25:
        pixels = pixels[rng.permutation(3)]
    pixels = pixels + rng.normal(0, rng.uniform(0, 6), pixels.shape)
    return torch.from_numpy(np.clip(pixels, 0, 255).astype(np.float32))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("crops")
    parser.add_argument("out")
    parser.add_argument("--steps", type=int, default=1400)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--resume", help="weights to go on from")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(options.seed)
    data = np.load(options.crops)
    crops, kinds = data["crops"], torch.from_numpy(data["kinds"])
    net = BedClassifier()
    if options.resume is not None:
        net.load_state_dict(torch.load(options.resume, weights_only=True))
    print(f"{len(crops)} crops, {sum(p.numel() for p in net.parameters())} parameters", flush=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, options.steps, pct_start=0.15)
    started, shown, right = time.process_time(), 0.7, 0.5
    for step in range(1, options.steps + 1):
        picked = rng.integers(len(crops), size=options.batch)
        scores = net(torch.stack([augmented(crops[i], rng) for i in picked]))
        loss = F.cross_entropy(scores, kinds[picked], label_smoothing=0.03)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        shown = 0.98 * shown + 0.02 * loss.item()
        right = 0.98 * right + 0.02 * (scores.argmax(1) == kinds[picked]).float().mean().item()
        if step % 50 == 0:
            print(f"step {step} loss {shown:.3f} right {right:.3f} cpu {time.process_time() - started:.0f} s", flush=True)
            torch.save(net.state_dict(), options.out)
    torch.save(net.state_dict(), options.out)


if __name__ == "__main__":
    main()
