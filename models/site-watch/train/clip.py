"""Renders the looping clip of a gate at night: an uncovered truck comes, stands and goes. python clip.py FILE.mp4 [--covered] [--day]"""

import argparse
import subprocess

import numpy as np

from camera import Camera
from scene import PERSON, SIZE, TRUCK, compose, draw_ground, new_canvas, scenery
from styles import Light, Weather
from things import Person, Truck

FRAMES_PER_S, SECONDS, SEED = 10, 24, 41
SCALE = 1.25


def place_at(share):
    """Comes from the left until a quarter of the time, stands until seven tenths, leaves to the right."""
    if share < 0.28:
        return -19 + 19.5 * np.sin(share / 0.28 * np.pi / 2)
    if share < 0.7:
        return 0.5
    return 0.5 + 21 * (1 - np.cos((share - 0.7) / 0.3 * np.pi / 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--covered", action="store_true")
    parser.add_argument("--day", action="store_true")
    options = parser.parse_args()
    width, height = (int(v * SCALE) for v in SIZE)
    camera = Camera(6.5, np.radians(21), width / 2 / np.tan(np.radians(31)), width, height)
    light = Light(0.55, np.array([0.3, -0.5, 0.81]), 0.45, 0.0, np.full(3, 150.0))
    weather = Weather(0.0 if options.day else 0.62, False, 0, 0, 5.0, 0.4, np.ones(3), 1.0, 90)
    truck, guard = Truck.random(np.random.default_rng(SEED), options.covered), Person.random(np.random.default_rng(SEED + 1))
    truck.load_level, truck.load = 0.2, np.array([150.0, 116.0, 78.0]) if not options.covered else truck.load
    encoder = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE[0]}x{SIZE[1]}", "-r", str(FRAMES_PER_S), "-i", "-"]
    encoder += ["-c:v", "libx264", "-preset", "slow", "-crf", "27", "-g", str(FRAMES_PER_S), "-pix_fmt", "yuv420p", "-bf", "0", "-threads", "1", "-movflags", "+faststart", options.file]
    with subprocess.Popen(encoder, stdin=subprocess.PIPE) as child:
        for index in range(FRAMES_PER_S * SECONDS):
            share = index / (FRAMES_PER_S * SECONDS)
            fixed = np.random.default_rng(SEED + 2)
            canvas = new_canvas(fixed, camera, light, "flat")
            draw_ground(canvas, fixed, weather)
            place = np.array([place_at(share), 15.5, 0.0])
            targets = [(TRUCK, 15.5, lambda c: truck.draw(c, place, 0.12, not options.day), options.covered)]
            guard_at = np.array([7.5 + 0.5 * np.sin(share * 2 * np.pi), 11.0, 0.0])
            targets.append((PERSON, 11.0, lambda c: guard.draw(c, guard_at, 0.2), False))
            lamps = [(width * 0.5, height * 0.6, 190.0, 0.75), (width * 0.86, height * 0.7, 120.0, 0.5)]
            picture, _ = compose(canvas, np.random.default_rng(1000 + index), weather, scenery(np.random.default_rng(SEED + 3)), targets, lamps=lamps)
            child.stdin.write(picture.tobytes())
        child.stdin.close()
    if child.returncode != 0:
        raise SystemExit(f"ffmpeg ended with {child.returncode}")


if __name__ == "__main__":
    main()
