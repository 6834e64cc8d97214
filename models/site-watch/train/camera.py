"""A pinhole camera above the ground, and a canvas on which faces are painted from far to near."""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from styles import Light, Style


@dataclass
class Camera:
    """Stands at (0, 0, height_m) and looks along y, down by pitch. Metres, radians, pixels."""

    height_m: float
    pitch: float
    focal_px: float
    width: int
    height: int

    def project(self, points):
        """N×3 points of the world → N×2 pixels, N depths along the optical axis."""
        p = np.asarray(points, dtype=np.float64) - (0.0, 0.0, self.height_m)
        c, s = np.cos(self.pitch), np.sin(self.pitch)
        depth = p[:, 1] * c - p[:, 2] * s
        up = p[:, 1] * s + p[:, 2] * c
        safe = np.maximum(depth, 1e-3)
        return np.stack([self.width / 2 + self.focal_px * p[:, 0] / safe, self.height / 2 - self.focal_px * up / safe], 1), depth

    def ground_at(self, px, py):
        """The point of the ground under a pixel; None above the horizon."""
        c, s = np.cos(self.pitch), np.sin(self.pitch)
        right, up = (px - self.width / 2) / self.focal_px, -(py - self.height / 2) / self.focal_px
        y, z = c + up * s, -s + up * c
        if z > -1e-3:
            return None
        t = self.height_m / -z
        return np.array([right * t, y * t, 0.0])


NEAR_M = 0.5


@dataclass
class Canvas:
    """What was painted, and which object owns each pixel: so boxes are those of what can be seen."""

    camera: Camera
    light: Light
    style: Style
    rng: np.random.Generator
    image: Image.Image
    owners: Image.Image = field(init=False)
    current: int = 0
    glows: list = field(default_factory=list)

    def __post_init__(self):
        self.draw = ImageDraw.Draw(self.image)
        self.owners = Image.new("L", self.image.size, 0)
        self.owner_draw = ImageDraw.Draw(self.owners)
        self.alone = self.alone_draw = None

    def begin(self, number):
        """From now on paint belongs to object `number` (1 to 255); 0 is the scenery."""
        self.current = number
        self.alone = Image.new("L", self.image.size, 0) if number > 0 else None
        self.alone_draw = ImageDraw.Draw(self.alone) if number > 0 else None

    def full_area(self):
        return 0 if self.alone is None else int(np.count_nonzero(np.asarray(self.alone)))

    def face(self, points, colour, shaded=True, facing=None):
        """Paints a flat face. `facing`: a point on its inner side; a face that looks away from the camera is left out."""
        points = np.asarray(points, dtype=np.float64)
        (ax, ay, az), (bx, by, bz) = points[1] - points[0], points[2] - points[0]
        normal = np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])
        length = np.linalg.norm(normal)
        if length < 1e-9:
            return
        normal /= length
        middle = points.mean(0)
        eye = np.array([0.0, 0.0, self.camera.height_m])
        if facing is not None:
            if np.dot(normal, middle - facing) < 0:
                normal = -normal
            if np.dot(normal, eye - middle) <= 0:
                return
        elif np.dot(normal, eye - middle) < 0:
            normal = -normal
        pixels, depth = self.camera.project(points)
        if depth.min() < NEAR_M:
            return
        rgb = np.asarray(colour, dtype=np.float64)
        if shaded:
            rgb = rgb * self.light.on(normal)
        rgb = self.light.in_fog(rgb, depth.mean())
        corners = [tuple(p) for p in pixels]
        self.style.fill(self, corners, rgb)
        self.own(corners)

    def disc(self, centre, across, upward, colour, shaded=0.8):
        """A flat disc spanned by two vectors: wheels, heads, helmets."""
        angles = np.linspace(0, 2 * np.pi, 13)[:-1]
        rim = [centre + np.cos(a) * across + np.sin(a) * upward for a in angles]
        pixels, depth = self.camera.project(rim)
        if depth.min() < NEAR_M:
            return
        corners = [tuple(p) for p in pixels]
        rgb = self.light.in_fog(np.asarray(colour, dtype=np.float64) * self.light.level * shaded, depth.mean())
        self.draw.polygon(corners, fill=tuple(int(v) for v in np.clip(rgb, 0, 255)))
        self.own(corners)

    def own(self, corners):
        self.owner_draw.polygon(corners, fill=self.current)
        if self.alone_draw is not None:
            self.alone_draw.polygon(corners, fill=1)

    def glow(self, point, radius_m, colour):
        """A lamp that is added once all is painted."""
        pixels, depth = self.camera.project([point])
        if depth[0] > NEAR_M:
            self.glows.append((pixels[0], self.camera.focal_px * radius_m / depth[0], colour))

    def box(self, low, high, colour, place, heading=0.0, jitter=0.0):
        """A box of the object's own axes (x forward, y left, z up) at `place`; its faces, and the corners in the world."""
        corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
        world = to_world(corners, place, heading)
        middle = world.mean(0)
        for index in ((0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (1, 3, 7, 5)):
            tone = np.asarray(colour) * (1 + self.rng.uniform(-jitter, jitter))
            self.face(world[list(index)], tone, facing=middle)
        return world


def to_world(points, place, heading):
    """Turns points of an object's own axes by its heading (0: x of the object is x of the world) and moves them."""
    points = np.asarray(points, dtype=np.float64)
    c, s = np.cos(heading), np.sin(heading)
    turned = points.copy()
    turned[:, 0] = points[:, 0] * c - points[:, 1] * s
    turned[:, 1] = points[:, 0] * s + points[:, 1] * c
    return turned + np.asarray(place, dtype=np.float64)
