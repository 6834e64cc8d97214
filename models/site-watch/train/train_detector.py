"""Trains the detector. python train_detector.py DATA OUT.pt [--minutes N] [--seed N]"""

import argparse
import time

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

import dataset
from net import Detector, anchors, decode

WIDTH, HEIGHT, CLASSES, PADDING = 320, 192, 2, 114
#: Longest sides in pixels of the input that each stride learns; they overlap.
RANGES = {8: (0, 72), 16: (44, 150), 32: (96, 1e9)}


def augmented(data, labels, rng):
    """A random cut, mirrored, in other light. @returns 3×H×W float BGR, boxes K×4 (corners), kinds K"""
    source = Image.fromarray(data)
    scale = rng.uniform(0.36, 0.8) if rng.random() < 0.7 else 0.5
    w, h = round(source.width * scale), round(source.height * scale)
    small = source.resize((w, h), Image.BILINEAR if rng.random() < 0.7 else Image.BOX)
    dx, dy = ((rng.integers(min(0, WIDTH - w), max(0, WIDTH - w) + 1)), rng.integers(min(0, HEIGHT - h), max(0, HEIGHT - h) + 1))
    if rng.random() < 0.35:
        scale = 0.5
        w, h, dx, dy = 320, 180, 0, 0
        small = source.resize((w, h), Image.BILINEAR)
    canvas = Image.new("RGB", (WIDTH, HEIGHT), (PADDING,) * 3)
    canvas.paste(small, (int(dx), int(dy)))
    pixels = np.asarray(canvas, dtype=np.float32)
    boxes, kinds = [], []
    for label in labels:
        x, y, bw, bh = (v * scale for v in label["box"])
        whole = bw * bh
        left, top, right, bottom = max(0, x + dx), max(0, y + dy), min(WIDTH, x + dx + bw), min(HEIGHT, y + dy + bh)
        if right - left >= 3 and bottom - top >= 4 and (right - left) * (bottom - top) > 0.25 * whole:
            boxes.append((left, top, right, bottom))
            kinds.append(label["kind"])
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
        boxes[:, [0, 2]] = WIDTH - boxes[:, [2, 0]]
    pixels = (pixels - 110) * rng.uniform(0.65, 1.35) + 110 + rng.uniform(-35, 35)
    if rng.random() < 0.5:
        pixels = pixels * rng.uniform(0.8, 1.2, 3).astype(np.float32)
    if rng.random() < 0.12:
        pixels = np.repeat(pixels.mean(2, keepdims=True), 3, 2)
    if rng.random() < 0.3:
        pixels = pixels + rng.normal(0, rng.uniform(2, 14), pixels.shape).astype(np.float32)
    pixels = np.clip(pixels, 0, 255)[:, :, ::-1]
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))), torch.from_numpy(boxes), torch.tensor(kinds, dtype=torch.long)


def assign(boxes, kinds, origins, strides):
    """Which box each anchor answers for (-1: none): those near its middle, at the strides of its size; the smaller wins."""
    owner = torch.full((len(origins),), -1, dtype=torch.long)
    if len(boxes) == 0:
        return owner
    size = boxes[:, 2:] - boxes[:, :2]
    area, side = size.prod(1), size.max(1).values
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    at = origins + strides[:, None] / 2
    near = ((at[:, None] - centre[None]).abs() <= 1.5 * strides[:, None, None]).all(-1)
    within = ((at[:, None] >= boxes[None, :, :2]) & (at[:, None] <= boxes[None, :, 2:])).all(-1)
    closest = ((at[:, None] - centre[None]).abs() <= 0.5 * strides[:, None, None] + 1e-3).all(-1)
    fits = torch.zeros_like(near)
    for stride, (low, high) in RANGES.items():
        fits |= (strides == stride)[:, None] & ((side >= low) & (side <= high))[None]
    cost = torch.where(near & (within | closest) & fits, area[None].expand(len(origins), -1), torch.inf)
    best = cost.min(1)
    owner[best.values < torch.inf] = best.indices[best.values < torch.inf]
    return owner


def iou_and_giou(a, b):
    left, right = torch.max(a[:, :2], b[:, :2]), torch.min(a[:, 2:], b[:, 2:])
    common = (right - left).clamp(min=0).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - common
    hull = (torch.max(a[:, 2:], b[:, 2:]) - torch.min(a[:, :2], b[:, :2])).prod(1)
    iou = common / union.clamp(min=1e-6)
    return iou, iou - (hull - union) / hull.clamp(min=1e-6)


def loss_of(rows, targets, origins, strides):
    owners = torch.stack([assign(boxes, kinds, origins, strides) for boxes, kinds in targets])
    has = owners >= 0
    count = has.sum().clamp(min=1)
    objectness = rows[..., 4]
    want = has.float()
    chance = objectness.sigmoid()
    weight = torch.where(has, 1.0, 0.75) * torch.where(has, 1 - chance, chance).detach() ** 1.5
    total = (F.binary_cross_entropy_with_logits(objectness, want, reduction="none") * weight).sum() / count * 2
    if has.any():
        picked = torch.cat([boxes[owner[owner >= 0]] for (boxes, _), owner in zip(targets, owners)])
        kinds = torch.cat([kinds[owner[owner >= 0]] for (_, kinds), owner in zip(targets, owners)])
        iou, giou = iou_and_giou(decode(rows, origins, strides)[has], picked)
        wanted = F.one_hot(kinds, CLASSES).float() * iou.detach().clamp(0.3, 1)[:, None]
        total = total + 3 * (1 - giou).mean() + F.binary_cross_entropy_with_logits(rows[..., 5:][has], wanted, reduction="none").sum(1).mean()
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--minutes", type=float, default=30, help="processor time, not wall time: the result is that of the same work")
    parser.add_argument("--steps", type=int, default=0, help="exactly so many steps instead")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", help="weights to go on from")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate; it falls to nothing along a cosine")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(options.seed)
    items = dataset.read(options.data)
    net = Detector(CLASSES).to(memory_format=torch.channels_last)
    if options.resume is not None:
        net.load_state_dict(torch.load(options.resume, weights_only=True))
    print(f"{len(items)} pictures, {sum(p.numel() for p in net.parameters())} parameters", flush=True)
    origins, strides = anchors(WIDTH, HEIGHT)
    weights = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": weights, "weight_decay": 0.02}, {"params": others, "weight_decay": 0}], lr=1e-3)
    average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995), use_buffers=True)
    started, step, shown = time.process_time(), 0, 0.0
    while True:
        done = step / options.steps if options.steps > 0 else (time.process_time() - started) / (options.minutes * 60)
        if done >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = options.rate * min(1, (step + 1) / 150) * (0.5 * (1 + np.cos(np.pi * min(1, done))) + 0.005)
        batch = [augmented(dataset.pixels(data), labels, rng) for data, labels in (items[i] for i in rng.integers(len(items), size=options.batch))]
        images = torch.stack([image for image, _, _ in batch]).to(memory_format=torch.channels_last)
        loss = loss_of(net(images), [(boxes, kinds) for _, boxes, kinds in batch], origins, strides)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10)
        optimiser.step()
        average.update_parameters(net)
        shown = 0.97 * shown + 0.03 * loss.item() if step > 0 else loss.item()
        step += 1
        if step % 50 == 0:
            print(f"step {step} loss {shown:.3f} cpu {time.process_time() - started:.0f} s of {len(items)} pictures", flush=True)
            torch.save(average.module.state_dict(), options.out)
    torch.save(average.module.state_dict(), options.out)
    print(f"ended after {step} steps", flush=True)


if __name__ == "__main__":
    main()
