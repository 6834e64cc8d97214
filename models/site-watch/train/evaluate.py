"""mAP50 of the detector on a rendered set, and how often the classifier is right.

python evaluate.py detector DATA DETECTOR.pt | python evaluate.py bed CROPS.npz BED.pt
"""

import sys

import numpy as np
import torch
from PIL import Image

import dataset
from net import BedClassifier, Detector, anchors, decode
from train_detector import CLASSES, HEIGHT, PADDING, WIDTH

NAMES = ("truck", "person")


def detections(net, data, origins, strides, least=0.02, iou_limit=0.45):
    """As the yolox family does it: letterbox to the top left, score = objectness × class, suppression class by class."""
    source = Image.fromarray(data)
    scale = min(WIDTH / source.width, HEIGHT / source.height)
    canvas = Image.new("RGB", (WIDTH, HEIGHT), (PADDING,) * 3)
    canvas.paste(source.resize((int(source.width * scale), int(source.height * scale)), Image.BILINEAR), (0, 0))
    pixels = np.asarray(canvas, dtype=np.float32)[:, :, ::-1]
    with torch.no_grad():
        rows = net(torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None])
    boxes = decode(rows, origins, strides)[0] / scale
    scores = (rows[0, :, 4:5].sigmoid() * rows[0, :, 5:].sigmoid()).max(1)
    found = []
    for i in torch.argsort(scores.values, descending=True).tolist():
        score, kind, box = scores.values[i].item(), scores.indices[i].item(), boxes[i].numpy()
        if score < least:
            break
        if all(k != kind or iou(b, box) <= iou_limit for k, _, b in found):
            found.append((kind, score, box))
        if len(found) >= 100:
            break
    return found


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h)


def average_precision(results, kind):
    """All-point interpolation. @returns (AP at an overlap of 0.5, number of objects, recall at a score of 0.4, precision there)"""
    marks, objects = [], 0
    for found, labels in results:
        wanted = [(l["box"][0], l["box"][1], l["box"][0] + l["box"][2], l["box"][1] + l["box"][3]) for l in labels if l["kind"] == kind]
        objects += len(wanted)
        taken = set()
        for k, score, box in found:
            if k != kind:
                continue
            best = max(((iou(box, w), i) for i, w in enumerate(wanted) if i not in taken), default=(0, -1))
            if best[0] >= 0.5:
                taken.add(best[1])
            marks.append((score, best[0] >= 0.5))
    marks.sort(key=lambda mark: -mark[0])
    hits = np.cumsum([hit for _, hit in marks])
    recall, precision = hits / max(1, objects), hits / np.arange(1, len(hits) + 1)
    ceiling = np.maximum.accumulate(precision[::-1])[::-1]
    area = float(np.sum(np.diff(np.concatenate([[0], recall])) * ceiling))
    sure = sum(1 for score, _ in marks if score >= 0.4)
    return area, objects, float(recall[sure - 1]) if sure else 0.0, float(precision[sure - 1]) if sure else 0.0


def main():
    torch.set_num_threads(1)
    if sys.argv[1] == "bed":
        data = np.load(sys.argv[2])
        net = BedClassifier().eval()
        net.load_state_dict(torch.load(sys.argv[3], weights_only=True))
        from train_bed import tensor

        inner = [Image.fromarray(c).crop((4, 4, 76, 76)) for c in data["crops"]]
        with torch.no_grad():
            chance = torch.cat([net(torch.from_numpy(tensor(c))[None]) for c in inner]).softmax(1).numpy()
        right = chance.argmax(1) == data["kinds"]
        sure = chance.max(1) >= 0.75
        print(f"{len(right)} crops: right {right.mean():.3f}; of the {sure.mean():.2f} that score 0.75 or more: {right[sure].mean():.3f}")
        return
    net = Detector(CLASSES).eval()
    net.load_state_dict(torch.load(sys.argv[3], weights_only=True))
    origins, strides = anchors(WIDTH, HEIGHT)
    results = [(detections(net, dataset.pixels(data), origins, strides), labels) for data, labels in dataset.read(sys.argv[2])]
    areas = []
    for kind, name in enumerate(NAMES):
        area, objects, recall, precision = average_precision(results, kind)
        areas.append(area)
        print(f"{name}: AP50 {area:.3f} of {objects}; at score 0.4 recall {recall:.3f} precision {precision:.3f}")
    print(f"mAP50 {np.mean(areas):.3f} on {len(results)} pictures")


if __name__ == "__main__":
    main()
