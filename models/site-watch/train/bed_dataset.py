"""Renders crops of trucks whose bed can be seen. python bed_dataset.py FILE.npz COUNT [--held-out] [--seed N]"""

import argparse

import numpy as np
from PIL import Image

from camera import Camera
from scene import draw_ground, new_canvas, random_light, scenery
from styles import HELD_OUT_STYLES, TRAINING_STYLES, finish, random_weather
from things import Truck

SIZE = (400, 225)
SIDE = 80
LEAST_LOAD = 0.07
TRUCK, LOAD = 1, 2


def crop(seed, held_out=False):
    """@returns (SIDE×SIDE×3 uint8, 1 where uncovered), or None where the bed cannot be seen"""
    rng = np.random.default_rng(seed)
    weather = random_weather(rng)
    weather.night *= 0.75
    camera = Camera(rng.uniform(4.0, 9.0), np.radians(rng.uniform(8, 38)), SIZE[0] / 2 / np.tan(np.radians(rng.uniform(20, 40))), *SIZE)
    place = camera.ground_at(rng.uniform(0.3, 0.7) * SIZE[0], rng.uniform(0.45, 0.95) * SIZE[1])
    if place is None or not 6 < place[1] < 32:
        return None
    canvas = new_canvas(rng, camera, random_light(rng, weather), str(rng.choice(HELD_OUT_STYLES if held_out else TRAINING_STYLES)))
    draw_ground(canvas, rng, weather)
    things = sorted(scenery(rng), key=lambda item: -item[0])
    distance = np.hypot(*place[:2])
    for far, paint in things:
        if far > distance:
            paint(canvas)
    truck = Truck.random(rng, other_make=held_out)
    canvas.current = TRUCK
    truck.draw(canvas, place, rng.uniform(0, 2 * np.pi), bool(rng.random() < 0.4), LOAD)
    canvas.current = 0
    for far, paint in things:
        if far <= distance and rng.random() < 0.3:
            paint(canvas)
    owners = np.asarray(canvas.owners)
    ys, xs = np.nonzero(owners > 0)
    if len(xs) < 900 or np.count_nonzero(owners == LOAD) < LEAST_LOAD * len(xs):
        return None
    lamps = [(xs.mean() + rng.normal(0, 60), ys.mean() + rng.normal(0, 40), rng.uniform(60, 200), rng.uniform(0.3, 0.9))]
    picture = finish(canvas, weather, lamps, SIZE, rng)
    left, top, right, bottom = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
    dx, dy = 0.1 * (right - left), 0.1 * (bottom - top)
    box = (max(0, left - dx), max(0, top - dy), min(SIZE[0], right + dx), min(SIZE[1], bottom + dy))
    return np.asarray(picture.crop(tuple(int(v) for v in box)).resize((SIDE, SIDE), Image.BILINEAR)), 0 if truck.is_covered else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("count", type=int)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    crops, kinds, seed = [], [], options.seed * 1_000_000
    while len(crops) < options.count:
        seed += 1
        found = crop(seed, options.held_out)
        if found is not None:
            crops.append(found[0])
            kinds.append(found[1])
    np.savez_compressed(options.file, crops=np.stack(crops), kinds=np.array(kinds, np.int64))
    print(f"{len(crops)} crops of {seed - options.seed * 1_000_000} scenes, {np.mean(kinds):.2f} uncovered")


if __name__ == "__main__":
    main()
