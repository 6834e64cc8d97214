"""How faces are filled, and what light, weather and the sensor do to a picture. Two styles are held out of training."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

TRAINING_STYLES = ("flat", "gradient", "grainy", "outlined")
HELD_OUT_STYLES = ("painted", "low-poly")


@dataclass
class Light:
    """`level` is the ambient light, `sun` a unit vector towards the sun or lamp, `fog` a share lost in each metre."""

    level: float
    sun: np.ndarray
    sun_level: float
    fog: float
    fog_colour: np.ndarray

    def on(self, normal):
        return self.level + self.sun_level * max(0.0, float(np.dot(normal, self.sun)))

    def in_fog(self, rgb, depth_m):
        kept = np.exp(-self.fog * depth_m)
        return rgb * kept + self.fog_colour * (1 - kept)


class Style:
    def __init__(self, name):
        self.name = name

    def fill(self, canvas, corners, rgb):
        rng = canvas.rng
        colour = tuple(int(v) for v in np.clip(rgb, 0, 255))
        if self.name == "low-poly":
            middle = tuple(np.mean(corners, axis=0))
            for a, b in zip(corners, corners[1:] + corners[:1]):
                tone = np.clip(rgb * rng.uniform(0.75, 1.3) + rng.uniform(-12, 12, 3), 0, 255)
                canvas.draw.polygon([a, b, middle], fill=tuple(int(v) for v in tone))
            return
        canvas.draw.polygon(corners, fill=colour, outline=(20, 20, 24) if self.name == "outlined" else None)
        if self.name in ("gradient", "grainy"):
            self._shade(canvas, corners, rgb)
        if self.name == "painted":
            low, high = np.min(corners, axis=0), np.max(corners, axis=0)
            if min(high - low) > 6:
                for _ in range(int(rng.integers(3, 9))):
                    x, y = rng.uniform(low, high)
                    reach = (high - low) * rng.uniform(0.05, 0.2)
                    if inside(corners, x, y) and inside(corners, x + reach[0], y + reach[1]):
                        tone = np.clip(rgb * rng.uniform(0.7, 1.3), 0, 255)
                        canvas.draw.line([x, y, x + reach[0], y + reach[1]], fill=tuple(int(v) for v in tone), width=int(rng.integers(2, 5)))

    def _shade(self, canvas, corners, rgb):
        """A slow change of tone over a large face, and grain."""
        w, h = canvas.image.size
        low = np.floor(np.clip(np.min(corners, axis=0), 0, (w, h))).astype(int)
        high = np.ceil(np.clip(np.max(corners, axis=0), 0, (w, h))).astype(int)
        size = high - low
        if min(size) < 12:
            return
        rng = canvas.rng
        small = np.ones((3, 3)) + rng.uniform(-0.18, 0.18, (3, 3))
        tone = np.asarray(Image.fromarray((small * 100).astype(np.uint8)).resize((size[0], size[1]), Image.BILINEAR), dtype=np.float32) / 100
        if self.name == "grainy":
            coarse = rng.uniform(0.8, 1.2, (max(1, size[1] // 3), max(1, size[0] // 3)))
            tone = tone * np.asarray(Image.fromarray((coarse * 100).astype(np.uint8)).resize((size[0], size[1]), Image.NEAREST), dtype=np.float32) / 100
        patch = np.clip(rgb[None, None, :] * tone[:, :, None], 0, 255).astype(np.uint8)
        mask = Image.new("L", (int(size[0]), int(size[1])), 0)
        ImageDraw.Draw(mask).polygon([(x - low[0], y - low[1]) for x, y in corners], fill=255)
        canvas.image.paste(Image.fromarray(patch), (int(low[0]), int(low[1])), mask)


def inside(corners, x, y):
    odd = False
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1]):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            odd = not odd
    return odd


@dataclass
class Weather:
    """What lies between the scene and the picture."""

    night: float
    infrared: bool
    rain: float
    snow: float
    noise: float
    blur: float
    cast: np.ndarray
    contrast: float
    jpeg: int


def random_weather(rng, night=None):
    is_night = rng.random() < 0.4 if night is None else night
    return Weather(
        night=float(rng.uniform(0.45, 0.85)) if is_night else 0.0,
        infrared=bool(rng.random() < (0.4 if is_night else 0.08)),
        rain=float(rng.uniform(0.2, 1)) if rng.random() < 0.15 else 0.0,
        snow=float(rng.uniform(0.2, 1)) if rng.random() < 0.06 else 0.0,
        noise=float(rng.uniform(0, 16 if is_night else 8)),
        blur=float(max(0, rng.uniform(-0.6, 1.1))),
        cast=rng.uniform(0.88, 1.12, 3),
        contrast=float(rng.uniform(0.75, 1.2)),
        jpeg=int(rng.integers(35, 95)),
    )


def finish(canvas, weather, lamps, size, rng):
    """Lamps, weather and sensor. @returns the picture in `size` as H×W×3 uint8"""
    picture = canvas.image
    if canvas.style.name == "painted":
        picture = picture.filter(ImageFilter.ModeFilter(5))
    picture = picture.resize(size, Image.BOX)
    width, height = size
    scale = width / canvas.image.size[0]
    pixels = np.asarray(picture, dtype=np.float32)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    if weather.night > 0:
        light = np.full((height, width), 1 - weather.night, np.float32)
        for x, y, reach, power in lamps:
            light += power * np.exp(-(((xs - x * scale) / reach) ** 2 + ((ys - y * scale) / (reach * 0.6)) ** 2))
        pixels = pixels * np.minimum(light, 1.15)[:, :, None]
    for (x, y), radius, colour in canvas.glows:
        add_glow(pixels, x * scale, y * scale, max(1.0, radius * scale), colour)
    if weather.infrared:
        grey = pixels @ np.array([0.35, 0.45, 0.2], np.float32)
        fall = 1.15 - 0.5 * (((xs / width - 0.5) ** 2 + (ys / height - 0.5) ** 2) * 2)
        pixels = np.repeat((grey * fall * 1.2)[:, :, None], 3, 2)
    if weather.rain > 0:
        pixels = streaks(pixels, rng, int(weather.rain * 220), 14, 0.35)
    if weather.snow > 0:
        pixels = streaks(pixels, rng, int(weather.snow * 200), 2, 0.8)
    pixels = (pixels - 110) * weather.contrast + 110
    if not weather.infrared:
        pixels = pixels * weather.cast.astype(np.float32)
    if weather.noise > 0:
        pixels = pixels + rng.normal(0, weather.noise, pixels.shape[:2] + ((1,) if weather.infrared else (3,))).astype(np.float32)
    result = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if weather.blur > 0.1:
        result = result.filter(ImageFilter.GaussianBlur(weather.blur))
    return result


def add_glow(pixels, x, y, radius, colour):
    height, width = pixels.shape[:2]
    reach = int(radius * 4) + 2
    left, right, top, bottom = int(max(0, x - reach)), int(min(width, x + reach)), int(max(0, y - reach)), int(min(height, y + reach))
    if left >= right or top >= bottom:
        return
    ys, xs = np.mgrid[top:bottom, left:right].astype(np.float32)
    far = ((xs - x) ** 2 + (ys - y) ** 2) / (radius * radius)
    strength = np.exp(-far * 1.6) + 0.35 * np.exp(-far * 0.25)
    pixels[top:bottom, left:right] += strength[:, :, None] * np.asarray(colour, np.float32)


def streaks(pixels, rng, count, length, strength):
    height, width = pixels.shape[:2]
    layer = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(layer)
    slant = rng.uniform(-0.3, 0.3)
    for _ in range(count):
        x, y, reach = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.5, 1.5) * length
        draw.line([x, y, x + slant * reach, y + reach], fill=255)
    amount = np.asarray(layer, np.float32)[:, :, None] / 255 * strength
    return pixels * (1 - amount) + 215 * amount
