"""Renders a data set: pictures as JPEG, labels as one JSON line each. python dataset.py DIR COUNT [--held-out] [--seed N]"""

import argparse
import io
import json
import os

import numpy as np
from PIL import Image

from scene import render


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("count", type=int)
    parser.add_argument("--held-out", action="store_true", help="the styles and makes that training never sees")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    with open(os.path.join(options.folder, "labels.jsonl"), "w") as lines:
        for index in range(options.count):
            seed = options.seed * 1_000_000 + index
            picture, labels = render(seed, options.held_out)
            quality = int(np.random.default_rng(seed + 7).integers(40, 95))
            name = f"{index:06d}.jpg"
            picture.save(os.path.join(options.folder, name), quality=quality)
            lines.write(json.dumps({"file": name, "labels": [{"kind": l.kind, "box": [round(float(v), 1) for v in l.box], "visible": round(l.visible, 3), "covered": l.is_covered} for l in labels]}) + "\n")
            lines.flush()


def read(folder, limit=None):
    """@returns a list of (JPEG bytes, labels)"""
    with open(os.path.join(folder, "labels.jsonl")) as lines:
        entries = [json.loads(line) for line in lines if line.endswith("\n")][:limit]
    return [(open(os.path.join(folder, entry["file"]), "rb").read(), entry["labels"]) for entry in entries]


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


if __name__ == "__main__":
    main()
