"""One random picture of a site's gate, with the boxes of what can be seen in it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from camera import Camera, Canvas
from styles import HELD_OUT_STYLES, TRAINING_STYLES, Light, Style, finish, random_weather
from things import PAINT, Person, Truck, draw_car, draw_excavator, draw_heap, pick

SIZE = (640, 360)
OVERSAMPLE = 1.25
TRUCK, PERSON = 0, 1
SMALLEST_PX = 7
LEAST_VISIBLE = 0.3


@dataclass
class Label:
    kind: int
    box: tuple
    visible: float
    is_covered: bool


def random_camera(rng):
    width, height = (int(v * OVERSAMPLE) for v in SIZE)
    fov = np.radians(rng.uniform(48, 88))
    return Camera(rng.uniform(3.0, 9.0), np.radians(rng.uniform(6, 34)), width / 2 / np.tan(fov / 2), width, height)


def random_light(rng, weather):
    turn, rise = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(20, 80))
    sun = np.array([np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)])
    fog = rng.uniform(0.004, 0.03) if rng.random() < 0.25 else 0.0
    return Light(rng.uniform(0.4, 0.75), sun, rng.uniform(0.1, 0.65), fog, np.full(3, rng.uniform(120, 215)))


def new_canvas(rng, camera, light, style):
    image = Image.new("RGB", (camera.width, camera.height), (0, 0, 0))
    return Canvas(camera, light, Style(style), rng, image)


def draw_ground(canvas, rng, weather):
    camera, w, h = canvas.camera, canvas.camera.width, canvas.camera.height
    horizon = h / 2 - camera.focal_px * np.tan(camera.pitch)
    sky = rng.uniform(110, 235) * np.array([rng.uniform(0.75, 1), rng.uniform(0.85, 1), 1.0])
    rows = (np.linspace(0.8, 1.1, h)[:, None, None] * sky[None, None, :]).astype(np.float32)
    base = np.repeat(rows, w, 1)
    ground = pick(rng, np.array([[96, 96, 98], [128, 124, 116], [120, 98, 72], [150, 140, 124], [70, 72, 76]]))
    top = int(np.clip(horizon, 0, h))
    if top < h:
        coarse = rng.uniform(0.82, 1.18, (int(rng.integers(6, 40)), int(rng.integers(6, 30))))
        tone = np.asarray(Image.fromarray((coarse * 100).astype(np.uint8)).resize((w, h - top), Image.BICUBIC), np.float32)[:, :, None] / 100
        base[top:] = (ground * (canvas.light.level + canvas.light.sun_level * max(0, canvas.light.sun[2]))).astype(np.float32)[None, None, :] * tone
    canvas.image.paste(Image.fromarray(np.clip(base, 0, 255, out=base).astype(np.uint8)))
    for _ in range(int(rng.integers(0, 5))):
        x, y = rng.uniform(-12, 12), rng.uniform(5, 40)
        patch = [[x + rng.uniform(1, 4) * np.cos(a), y + rng.uniform(1, 4) * np.sin(a), 0.01] for a in np.linspace(0, 2 * np.pi, 8)[:-1]]
        canvas.face(patch, ground * rng.uniform(0.65, 1.25))
    if rng.random() < 0.5:
        x, lean = rng.uniform(-6, 6), rng.uniform(-0.5, 0.5)
        for i in range(12):
            y = 3 + 4 * i
            strip = [[x + lean * y, y, 0.02], [x + lean * y + 0.2, y, 0.02], [x + lean * (y + 2) + 0.2, y + 2, 0.02], [x + lean * (y + 2), y + 2, 0.02]]
            canvas.face(strip, (215, 210, 190))


def scenery(rng):
    """Things that are no target, each as (distance, paint)."""
    items = []
    far = rng.uniform(16, 45)
    if rng.random() < 0.75:
        colour, high = pick(rng, np.concatenate([PAINT, [[110, 150, 170], [150, 150, 150]]])), rng.uniform(1.8, 3.2)
        gap = rng.uniform(-8, 8)
        for i in range(-14, 14):
            x = i * 2.5
            if abs(x - gap) > 4:
                tone = colour * rng.uniform(0.92, 1.05)
                items.append((far, lambda c, x=x, tone=tone: c.box((-1.25, -0.06, 0), (1.2, 0.06, high), tone, (x, far, 0))))
    for _ in range(int(rng.integers(0, 5))):
        x, y, wide, tall = rng.uniform(-40, 40), rng.uniform(far + 6, far + 50), rng.uniform(6, 18), rng.uniform(5, 30)
        colour = pick(rng, np.array([[150, 140, 130], [180, 175, 170], [120, 110, 110], [170, 130, 100]]))

        def building(c, x=x, y=y, wide=wide, tall=tall, colour=colour):
            c.box((-wide / 2, -3, 0), (wide / 2, 3, tall), colour, (x, y, 0))
            for u in np.arange(-wide / 2 + 1, wide / 2 - 1, 2.2):
                for v in np.arange(1.5, tall - 1, 3):
                    c.face([[x + u, y - 3.02, v], [x + u + 1.1, y - 3.02, v], [x + u + 1.1, y - 3.02, v + 1.4], [x + u, y - 3.02, v + 1.4]], colour * 0.5)

        items.append((y, building))
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(-14, 14), rng.uniform(8, 40)
        kind = rng.choice(["heap", "container", "cones", "pole", "excavator", "car", "car", "tree", "block"])
        turn, tint = rng.uniform(0, 2 * np.pi), pick(rng, PAINT)
        seed = int(rng.integers(1 << 30))
        thing = {
            "heap": lambda c, p: draw_heap(c, p, np.random.default_rng(seed)),
            "container": lambda c, p: c.box((-3, -1.2, 0), (3, 1.2, 2.6), tint, p, turn, 0.05),
            "cones": lambda c, p: [c.box((-0.2, -0.2, 0), (0.2, 0.2, 0.75), (235, 110, 40), (p[0] + 1.5 * i, p[1], 0)) for i in range(4)],
            "pole": lambda c, p: c.box((-0.1, -0.1, 0), (0.1, 0.1, 6.5), (120, 124, 126), p),
            "excavator": lambda c, p: draw_excavator(c, p, turn, np.random.default_rng(seed)),
            "car": lambda c, p: draw_car(c, p, turn, np.random.default_rng(seed)),
            "tree": lambda c, p: [c.box((-0.15, -0.15, 0), (0.15, 0.15, 2.2), (90, 70, 50), p)] + [c.disc(np.asarray(p) + (0.7 * np.cos(k), 0, 3 + 0.7 * np.sin(k * 1.7)), np.array([1.1, 0, 0]), np.array([0, 0, 1.0]), (60 + 9 * k, 96 + 5 * k, 50)) for k in range(5)],
            "block": lambda c, p: c.box((-0.9, -0.4, 0), (0.9, 0.4, 0.9), (160, 158, 150), p, turn),
        }[str(kind)]
        items.append((y, lambda c, thing=thing, p=(x, y, 0): thing(c, p)))
    return items


def random_targets(rng, camera, other_make):
    """Trucks and people at places that the camera sees, each as (kind, distance, paint, is covered)."""
    targets = []
    for _ in range(int(rng.choice([0, 1, 1, 1, 2, 3]))):
        place = camera.ground_at(rng.uniform(0.05, 0.95) * camera.width, rng.uniform(0.3, 1.0) * camera.height)
        if place is None or not 5 < place[1] < 55:
            continue
        truck = Truck.random(rng, other_make=other_make)
        heading, lights = rng.uniform(0, 2 * np.pi), bool(rng.random() < 0.5)
        targets.append((TRUCK, np.hypot(*place[:2]), lambda c, t=truck, p=place, a=heading, l=lights: t.draw(c, p, a, l), truck.is_covered))
    for _ in range(int(rng.choice([0, 0, 1, 1, 2, 3, 4]))):
        place = camera.ground_at(rng.uniform(0.02, 0.98) * camera.width, rng.uniform(0.35, 1.0) * camera.height)
        if place is None or not 3 < place[1] < 32:
            continue
        person, stride, side = Person.random(rng), rng.uniform(0.05, 0.65), float(rng.choice([-1, 1]))
        targets.append((PERSON, np.hypot(*place[:2]), lambda c, q=person, p=place, s=stride, f=side: q.draw(c, p, s, f), False))
    return targets


def draw_shadow(canvas, place, reach, rng):
    """A soft dark patch on the ground below something large."""
    angle = rng.uniform(0, 2 * np.pi)
    at = np.asarray(place)[:2] + 0.7 * np.array([np.cos(angle), np.sin(angle)])
    ring = [[at[0] + reach * np.cos(a), at[1] + reach * np.sin(a), 0.015] for a in np.linspace(0, 2 * np.pi, 13)[:-1]]
    canvas.face(ring, (58, 56, 54))


def render(seed, held_out=False, size=SIZE):
    """@returns the picture (PIL) in `size` and its labels, boxes as left, top, width, height in pixels of it"""
    rng = np.random.default_rng(seed)
    weather, camera = random_weather(rng), random_camera(rng)
    style = str(rng.choice(HELD_OUT_STYLES if held_out else TRAINING_STYLES))
    canvas = new_canvas(rng, camera, random_light(rng, weather), style)
    draw_ground(canvas, rng, weather)
    return compose(canvas, rng, weather, scenery(rng), random_targets(rng, camera, other_make=held_out), size)


def compose(canvas, rng, weather, things, targets, size=SIZE, lamps=None):
    """Paints things and targets from far to near, finishes the picture and reads the boxes off its owners."""
    items = [(distance, None, paint) for distance, paint in things] + [(distance, number + 1, paint) for number, (_, distance, paint, _) in enumerate(targets)]
    full = {}
    for _, number, paint in sorted(items, key=lambda item: -item[0]):
        canvas.begin(number or 0)
        paint(canvas)
        if number is not None:
            full[number] = canvas.full_area()
    camera = canvas.camera
    if lamps is None:
        lamps = [(rng.uniform(0, camera.width), rng.uniform(0.3, 1) * camera.height, rng.uniform(60, 260), rng.uniform(0.2, 0.9)) for _ in range(int(rng.integers(1, 4)))]
    picture = finish(canvas, weather, lamps, size, rng)
    owners, scale, labels = np.asarray(canvas.owners), size[0] / camera.width, []
    for number, (kind, _, _, is_covered) in enumerate(targets, start=1):
        ys, xs = np.nonzero(owners == number)
        if len(xs) == 0 or full.get(number, 0) == 0:
            continue
        left, top, right, bottom = xs.min() * scale, ys.min() * scale, (xs.max() + 1) * scale, (ys.max() + 1) * scale
        visible = len(xs) / full[number]
        if min(right - left, bottom - top) >= SMALLEST_PX * (0.6 if kind == PERSON else 1) and bottom - top >= SMALLEST_PX and visible >= LEAST_VISIBLE:
            labels.append(Label(kind, (left, top, right - left, bottom - top), visible, is_covered))
    return picture, labels
