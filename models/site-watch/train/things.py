"""What stands and moves on a site: trucks with their load or cover, people, and what must not be taken for them."""

from dataclasses import dataclass

import numpy as np

from camera import to_world

EARTH = np.array([[112, 84, 58], [140, 110, 78], [96, 92, 86], [70, 62, 55], [160, 138, 104], [128, 120, 112], [150, 90, 60]])
TARP = np.array([[38, 92, 60], [40, 70, 120], [60, 62, 66], [28, 30, 34], [120, 124, 126], [96, 86, 70], [70, 110, 80], [150, 110, 50]])
PAINT = np.array([[200, 60, 40], [230, 190, 60], [60, 110, 180], [235, 235, 230], [60, 130, 90], [180, 110, 40], [90, 95, 100], [200, 205, 210]])
VEST = np.array([[240, 130, 30], [215, 230, 50], [60, 70, 110], [90, 90, 90], [150, 60, 50], [200, 200, 205]])
HELMET = np.array([[240, 220, 40], [235, 235, 235], [220, 60, 40], [50, 90, 190], [240, 140, 40]])


def pick(rng, colours, spread=18):
    return np.clip(colours[rng.integers(len(colours))] + rng.uniform(-spread, spread, 3), 8, 250)


@dataclass
class Truck:
    """A dump truck. Made once, drawn in as many pictures as wished."""

    length: float
    width: float
    cab_length: float
    cab_height: float
    rim: float
    floor: float
    paint: np.ndarray
    bed_paint: np.ndarray
    is_covered: bool
    load: np.ndarray
    load_level: float
    heights: np.ndarray
    tones: np.ndarray
    ribs: int
    skirt: float
    dome: float
    is_hooded: bool
    axles: int

    @staticmethod
    def random(rng, is_covered=None, other_make=False):
        covered = bool(rng.random() < 0.5) if is_covered is None else is_covered
        length = rng.uniform(10, 13.5) if other_make else rng.uniform(6.2, 9.8)
        paint = pick(rng, PAINT)
        return Truck(
            length=length,
            width=rng.uniform(2.2, 2.6),
            cab_length=rng.uniform(1.7, 2.5),
            cab_height=rng.uniform(2.6, 3.3),
            rim=rng.uniform(2.1, 3.0),
            floor=rng.uniform(1.0, 1.3),
            paint=paint,
            bed_paint=paint * 0.9 if rng.random() < 0.5 else pick(rng, PAINT),
            is_covered=covered,
            load=pick(rng, TARP if covered else EARTH),
            load_level=rng.uniform(-0.5, 0.25),
            heights=rng.uniform(0.2, 1.0, (8, 5)),
            tones=rng.uniform(0.62, 1.25, (9, 6, 2)),
            ribs=int(rng.integers(0, 9)),
            skirt=rng.uniform(0.05, 0.6),
            dome=rng.uniform(0.02, 0.55),
            is_hooded=bool(other_make and rng.random() < 0.5),
            axles=int(rng.integers(2, 5)),
        )

    def draw(self, canvas, place, heading, lights=False, load_owner=None):
        """The bed and the cab from far to near; x of the truck points forward. Pixels of load or cover are `load_owner`'s."""
        half, tail = self.width / 2, -self.length / 2
        cab_back = self.length / 2 - self.cab_length
        eye = np.array([0.0, 0.0, canvas.camera.height_m])
        forward = np.array([np.cos(heading), np.sin(heading), 0.0])
        is_cab_nearer = np.dot(eye - np.asarray(place), forward) > 0
        canvas.box((tail + 0.2, -half * 0.75, 0.5), (self.length / 2 - 0.2, half * 0.75, self.floor), (45, 45, 48), place, heading)
        self._wheels(canvas, place, heading, eye)
        steps = [lambda: self._bed(canvas, place, heading, tail, cab_back - 0.15, half, eye, load_owner), lambda: self._cab(canvas, place, heading, cab_back, half, lights)]
        for step in steps if is_cab_nearer else reversed(steps):
            step()

    def _wheels(self, canvas, place, heading, eye):
        rows = np.linspace(-self.length / 2 + 0.9, -self.length / 2 + 0.9 + 1.35 * (self.axles - 2), self.axles - 1).tolist() + [self.length / 2 - 1.3]
        for side in (-1, 1):
            out = to_world([[0, side, 0]], (0, 0, 0), heading)[0]
            for x in rows:
                hub = to_world([[x, side * self.width / 2, 0.52]], place, heading)[0]
                if np.dot(out, eye - hub) < 0:
                    continue
                along = to_world([[0.52, 0, 0]], (0, 0, 0), heading)[0]
                canvas.disc(hub, along, np.array([0, 0, 0.52]), (28, 28, 30))
                canvas.disc(hub, along * 0.5, np.array([0, 0, 0.26]), (120, 120, 122))

    def _cab(self, canvas, place, heading, back, half, lights):
        front = self.length / 2
        nose = front - 0.9 if self.is_hooded else front
        if self.is_hooded:
            canvas.box((nose, -half * 0.8, 0.6), (front, half * 0.8, 1.7), self.paint, place, heading)
        canvas.box((back, -half, 0.6), (nose, half, self.cab_height), self.paint, place, heading, 0.05)
        glass = (50, 62, 74)
        low, high = self.cab_height * 0.58, self.cab_height * 0.9
        middle = to_world([[(back + nose) / 2, 0, 1.8]], place, heading)[0]
        panes = [[[nose + 0.01, -half * 0.88, low], [nose + 0.01, half * 0.88, low], [nose + 0.01, half * 0.82, high], [nose + 0.01, -half * 0.82, high]]]
        for side in (-1, 1):
            y = side * (half + 0.01)
            panes.append([[back + 0.5, y, low], [nose - 0.2, y, low], [nose - 0.35, y, high], [back + 0.5, y, high]])
        for pane in panes:
            canvas.face(to_world(pane, place, heading), glass, facing=middle)
        bumper = [[front + 0.01, -half, 0.45], [front + 0.01, half, 0.45], [front + 0.01, half, 0.95], [front + 0.01, -half, 0.95]]
        canvas.face(to_world(bumper, place, heading), (70, 70, 74), facing=middle)
        forward = np.array([np.cos(heading), np.sin(heading), 0.0])
        for side in (-1, 1):
            lamp = to_world([[front + 0.05, side * half * 0.75, 0.85]], place, heading)[0]
            seen = float(np.dot(forward, -lamp / np.linalg.norm(lamp)))
            if seen > 0.05:
                canvas.disc(lamp, to_world([[0, 0.14, 0]], (0, 0, 0), heading)[0], np.array([0, 0, 0.12]), (250, 245, 225), 1.2)
                if lights:
                    canvas.glow(lamp, 0.25 + 0.5 * seen, (230, 220, 190))
        if lights:
            for side in (-1, 1):
                lamp = to_world([[-self.length / 2 - 0.05, side * half * 0.85, 1.0]], place, heading)[0]
                if np.dot(-forward, -lamp) > 0:
                    canvas.glow(lamp, 0.12, (170, 20, 15))

    def _bed(self, canvas, place, heading, tail, front, half, eye, load_owner):
        inner = half - 0.07
        opening = [[tail, -half], [front, -half], [front, half], [tail, half]]
        middle = to_world([[(tail + front) / 2, 0, (self.rim + self.floor) / 2]], place, heading)[0]
        owner = canvas.current
        canvas.current = owner if load_owner is None else load_owner
        if not self.is_covered:
            self._inside(canvas, place, heading, tail, front, inner, eye)
        canvas.current = owner
        for (ax, ay), (bx, by) in zip(opening, opening[1:] + opening[:1]):
            wall = [[ax, ay, self.floor], [bx, by, self.floor], [bx, by, self.rim], [ax, ay, self.rim]]
            canvas.face(to_world(wall, place, heading), self.bed_paint, facing=middle)
            count = 0 if ax == bx else self.ribs
            for rib in range(count):
                x = tail + (front - tail) * (rib + 0.5) / count
                strip = [[x - 0.05, ay * 1.01, self.floor], [x + 0.05, ay * 1.01, self.floor], [x + 0.05, ay * 1.01, self.rim], [x - 0.05, ay * 1.01, self.rim]]
                canvas.face(to_world(strip, place, heading), self.bed_paint * 0.75, facing=middle)
        canvas.current = owner if load_owner is None else load_owner
        if self.is_covered:
            self._cover(canvas, place, heading, opening, middle, tail, front, half)
        elif self.load_level > -0.15:
            self._heap(canvas, place, heading, tail, front, inner, max(self.rim + self.load_level - 0.15, self.rim - 0.05))
        canvas.current = owner

    def _inside(self, canvas, place, heading, tail, front, inner, eye):
        corners = [[tail, -inner], [front, -inner], [front, inner], [tail, inner]]
        centre = to_world([[(tail + front) / 2, 0, 0]], place, heading)[0]
        for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1]):
            wall = to_world([[ax, ay, self.floor], [bx, by, self.floor], [bx, by, self.rim], [ax, ay, self.rim]], place, heading)
            inward = centre - wall.mean(0)
            if np.dot(inward[:2], (eye - wall.mean(0))[:2]) > 0:
                canvas.face(wall, self.bed_paint * 0.5)
        self._heap(canvas, place, heading, tail, front, inner, self.rim + min(self.load_level, 0) - 0.25)

    def _heap(self, canvas, place, heading, tail, front, inner, base):
        nx, ny = 9, 6
        xs, ys = np.linspace(tail + 0.05, front - 0.05, nx), np.linspace(-inner, inner, ny)
        rise = 0.9 * max(0.25, self.load_level + 0.5)
        z = np.full((nx, ny), base)
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                dome = np.sin(np.pi * i / (nx - 1)) * np.sin(np.pi * j / (ny - 1))
                z[i, j] += rise * dome * self.heights[i - 1, j - 1]
        cells = []
        eye = np.array([0.0, 0.0, canvas.camera.height_m])
        for i in range(nx - 1):
            for j in range(ny - 1):
                quad = to_world([[xs[a], ys[b], z[a, b]] for a, b in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))], place, heading)
                cells.append((np.linalg.norm(quad.mean(0) - eye), quad, self.tones[i, j]))
        for _, quad, (first, second) in sorted(cells, key=lambda cell: -cell[0]):
            canvas.face(quad[[0, 1, 2]], self.load * first)
            canvas.face(quad[[0, 2, 3]], self.load * second)

    def _cover(self, canvas, place, heading, opening, middle, tail, front, half):
        out = half + 0.03
        for (ax, ay), (bx, by) in zip(opening, opening[1:] + opening[:1]):
            skirt = [[ax, ay * out / half, self.rim - self.skirt], [bx, by * out / half, self.rim - self.skirt], [bx, by * out / half, self.rim + 0.02], [ax, ay * out / half, self.rim + 0.02]]
            canvas.face(to_world(skirt, place, heading), self.load * 0.92, facing=middle)
        top = self.rim + self.dome
        ridge = half * 0.45
        count = max(1, self.ribs)
        eye = np.array([0.0, 0.0, canvas.camera.height_m])
        cells = []
        for i in range(count):
            x0, x1 = tail + (front - tail) * i / count, tail + (front - tail) * (i + 1) / count
            ends = (self.rim if i == 0 else top, self.rim if i == count - 1 else top)
            for ya, yb, za, zb in ((-half, -ridge, 0, 1), (-ridge, ridge, 1, 1), (ridge, half, 1, 0)):
                quad = [[x, y, self.rim + (end - self.rim) * up + 0.03] for x, y, up, end in ((x0, ya, za, ends[0]), (x1, ya, za, ends[1]), (x1, yb, zb, ends[1]), (x0, yb, zb, ends[0]))]
                world = to_world(quad, place, heading)
                cells.append((np.linalg.norm(world.mean(0) - eye), world, 1.0 + 0.07 * (i % 2)))
        for _, world, tone in sorted(cells, key=lambda cell: -cell[0]):
            canvas.face(world, self.load * tone)


@dataclass
class Person:
    height: float
    vest: np.ndarray
    trousers: np.ndarray
    helmet: np.ndarray
    has_stripes: bool

    @staticmethod
    def random(rng):
        return Person(rng.uniform(1.5, 1.95), pick(rng, VEST), rng.uniform(25, 90, 3), pick(rng, HELMET if rng.random() < 0.75 else EARTH * 0.4), bool(rng.random() < 0.6))

    def draw(self, canvas, place, stride, facing_right=1.0):
        """Upright and facing the camera, legs apart by `stride` metres."""
        place = np.asarray(place, dtype=np.float64)
        h = self.height
        side = np.array([1.0, 0.0, 0.0])

        def quad(x0, z0, x1, z1, low, high, colour):
            canvas.face([place + side * (x0 - low) + (0, 0, z0), place + side * (x0 + low) + (0, 0, z0), place + side * (x1 + high) + (0, 0, z1), place + side * (x1 - high) + (0, 0, z1)], colour)

        for foot in (-stride / 2, stride / 2):
            quad(foot, 0, foot * 0.25, h * 0.48, 0.08, 0.11, self.trousers)
            quad(-foot * 0.9 * facing_right, h * 0.5, foot * 0.1 + np.sign(foot + 1e-6) * 0.2, h * 0.8, 0.05, 0.07, self.vest * 0.85)
        quad(0, h * 0.46, 0, h * 0.83, 0.17, 0.23, self.vest)
        if self.has_stripes:
            for z in (0.56, 0.68):
                quad(0, h * z, 0, h * (z + 0.035), 0.19, 0.2, (235, 235, 225))
        head = place + (0, 0, h * 0.91)
        canvas.disc(head, side * 0.1, np.array([0, 0, h * 0.075]), (198, 152, 122))
        canvas.disc(head + (0, 0, h * 0.035), side * 0.13, np.array([0, 0, h * 0.055]), self.helmet)


def draw_car(canvas, place, heading, rng):
    """A car or van: not a truck."""
    paint, is_van = pick(rng, PAINT), rng.random() < 0.35
    length, width = rng.uniform(3.8, 5.2), rng.uniform(1.7, 1.95)
    high = rng.uniform(1.9, 2.3) if is_van else 0.95
    canvas.box((-length / 2, -width / 2, 0.3), (length / 2, width / 2, high), paint, place, heading)
    if not is_van:
        canvas.box((-length * 0.32, -width * 0.43, high), (length * 0.2, width * 0.43, rng.uniform(1.4, 1.65)), (55, 66, 78), place, heading)
    eye = np.array([0.0, 0.0, canvas.camera.height_m])
    for s in (-1, 1):
        out = to_world([[0, s, 0]], (0, 0, 0), heading)[0]
        for x in (-length * 0.32, length * 0.32):
            hub = to_world([[x, s * width / 2, 0.33]], place, heading)[0]
            if np.dot(out, eye - hub) > 0:
                canvas.disc(hub, to_world([[0.33, 0, 0]], (0, 0, 0), heading)[0], np.array([0, 0, 0.33]), (28, 28, 30))


def draw_excavator(canvas, place, heading, rng):
    paint = pick(rng, PAINT[1:2])
    canvas.box((-1.9, -1.3, 0), (1.9, 1.3, 0.9), (40, 40, 42), place, heading)
    canvas.box((-1.6, -1.25, 0.95), (1.2, 1.25, 2.1), paint, place, heading)
    canvas.box((0.1, 0.1, 2.1), (1.2, 1.2, 3.0), (60, 70, 80), place, heading)
    reach = rng.uniform(2.5, 4.5)
    canvas.box((1.0, -0.3, 1.6), (1.4, 0.1, 4.6), paint, place, heading)
    canvas.box((1.2, -0.25, 4.2), (1.2 + reach, 0.05, 4.6), paint, place, heading)
    canvas.box((1.0 + reach, -0.5, 0.8), (1.8 + reach, 0.4, 1.8), (80, 70, 60), place, heading)


def draw_heap(canvas, place, rng):
    """A heap of earth on the ground: not a load."""
    size, colour = rng.uniform(1.5, 5), pick(rng, EARTH)
    n = 11
    rings = [[np.asarray(place) + (size * r * np.cos(a), size * r * np.sin(a) * 0.8, size * 0.55 * (1 - r) * rng.uniform(0.75, 1.2)) for a in np.linspace(0, 2 * np.pi, n)] for r in (1.0, 0.66, 0.33, 0.02)]
    faces = [(outer[i], outer[i + 1], inner[i + 1], inner[i]) for outer, inner in zip(rings, rings[1:]) for i in range(n - 1)]
    eye = np.array([0.0, 0.0, canvas.camera.height_m])
    for quad in sorted(faces, key=lambda f: -np.linalg.norm(np.mean(f, axis=0) - eye)):
        canvas.face(quad, colour * rng.uniform(0.75, 1.2))
