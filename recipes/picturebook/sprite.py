"""How each class looks: a flat drawing with an outline, in the unit square, coloured by its main colour."""

from collections.abc import Callable
from functools import cache

from PIL import Image, ImageDraw

from recipes.picturebook.world import CLASSES, COLORS

Rgb = tuple[int, int, int]
CANVAS = 192
INK: Rgb = (38, 34, 44)
PAPER: Rgb = (250, 248, 240)
WOOD: Rgb = (122, 84, 56)
GLASS: Rgb = (214, 234, 244)
STEEL: Rgb = (150, 154, 162)


class Pen:
    """Draws in unit coordinates (0, 0 top left; 1, 1 bottom right) on a canvas of the class's proportions."""

    def __init__(self, aspect: float, main: Rgb) -> None:
        self.size = (CANVAS, round(CANVAS / aspect)) if aspect >= 1 else (round(CANVAS * aspect), CANVAS)
        self.image = Image.new("RGBA", self.size, (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)
        self.main = main
        self.dark = mix(main, (0, 0, 0), 0.35)
        self.light = mix(main, (255, 255, 255), 0.45)

    def _xy(self, points: tuple[float, ...]) -> list[float]:
        return [p * self.size[i % 2] for i, p in enumerate(points)]

    def ellipse(self, *box: float, fill: Rgb, line: float = 0.028) -> None:
        """Draw an outlined ellipse in a box."""
        self.draw.ellipse(self._xy(box), fill=fill, outline=INK, width=self._px(line))

    def rect(self, *box: float, fill: Rgb, line: float = 0.028) -> None:
        """Draw an outlined rectangle."""
        self.draw.rectangle(self._xy(box), fill=fill, outline=INK, width=self._px(line))

    def rounded(self, *box: float, fill: Rgb, radius: float = 0.1) -> None:
        """Draw an outlined rectangle with round corners."""
        self.draw.rounded_rectangle(
            self._xy(box), radius=radius * CANVAS, fill=fill, outline=INK, width=self._px(0.028)
        )

    def poly(self, *points: float, fill: Rgb) -> None:
        """Draw an outlined polygon."""
        self.draw.polygon(self._xy(points), fill=fill, outline=INK, width=self._px(0.028))

    def line(self, *points: float, fill: Rgb = INK, width: float = 0.05) -> None:
        """Draw a line through points."""
        self.draw.line(self._xy(points), fill=fill, width=self._px(width), joint="curve")

    def arc(self, *box: float, start: float, end: float, fill: Rgb = INK, width: float = 0.05) -> None:
        """Draw an arc of an ellipse, angles in degrees clockwise from three o'clock."""
        self.draw.arc(self._xy(box), start, end, fill=fill, width=self._px(width))

    def pie(self, *box: float, start: float, end: float, fill: Rgb) -> None:
        """Draw an outlined slice of an ellipse, angles in degrees clockwise from three o'clock."""
        self.draw.pieslice(self._xy(box), start, end, fill=fill, outline=INK, width=self._px(0.028))

    @staticmethod
    def _px(fraction: float) -> int:
        return max(1, round(fraction * CANVAS))


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """Blend two colours; `share` of the second, in [0, 1]."""
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def _umbrella(p: Pen) -> None:
    p.line(0.5, 0.3, 0.5, 0.98, fill=WOOD, width=0.06)
    p.pie(0.02, 0.02, 0.98, 1.02, start=180, end=360, fill=p.main)
    for left, right in ((0.02, 0.34), (0.34, 0.66), (0.66, 0.98)):
        p.ellipse(left, 0.44, right, 0.6, fill=p.light)
    p.line(0.34, 0.5, 0.5, 0.04, 0.66, 0.5, fill=p.dark, width=0.03)


def _boat(p: Pen) -> None:
    p.line(0.5, 0.06, 0.5, 0.7, fill=WOOD, width=0.05)
    p.poly(0.54, 0.04, 0.54, 0.58, 0.92, 0.58, fill=PAPER)
    p.poly(0.46, 0.14, 0.46, 0.58, 0.18, 0.58, fill=p.light)
    p.poly(0.01, 0.64, 0.99, 0.64, 0.8, 0.98, 0.2, 0.98, fill=p.main)
    p.line(0.08, 0.75, 0.92, 0.75, fill=p.dark, width=0.05)


def _crab(p: Pen) -> None:
    for x0, x1 in ((0.26, 0.1), (0.36, 0.24), (0.64, 0.76), (0.74, 0.9)):
        p.line(x0, 0.75, x1, 0.97, fill=p.dark, width=0.05)
    p.line(0.22, 0.62, 0.12, 0.36, fill=p.dark, width=0.07)
    p.line(0.78, 0.62, 0.88, 0.36, fill=p.dark, width=0.07)
    p.pie(0.0, 0.02, 0.28, 0.44, start=300, end=240, fill=p.main)
    p.pie(0.72, 0.02, 1.0, 0.44, start=300, end=240, fill=p.main)
    p.ellipse(0.18, 0.4, 0.82, 0.92, fill=p.main)
    p.ellipse(0.36, 0.3, 0.47, 0.52, fill=PAPER)
    p.ellipse(0.53, 0.3, 0.64, 0.52, fill=PAPER)


def _ball(p: Pen) -> None:
    p.ellipse(0.02, 0.02, 0.98, 0.98, fill=p.main)
    p.arc(-0.5, 0.05, 0.5, 0.95, start=-60, end=60, fill=PAPER, width=0.09)
    p.arc(0.5, 0.05, 1.5, 0.95, start=120, end=240, fill=PAPER, width=0.09)
    p.arc(0.02, 0.02, 0.98, 0.98, start=0, end=360, width=0.03)


def _tree(p: Pen) -> None:
    p.rect(0.4, 0.6, 0.6, 0.99, fill=WOOD)
    p.ellipse(0.01, 0.26, 0.6, 0.74, fill=p.main)
    p.ellipse(0.4, 0.26, 0.99, 0.74, fill=p.main)
    p.ellipse(0.15, 0.01, 0.85, 0.58, fill=p.main)
    p.ellipse(0.3, 0.2, 0.42, 0.3, fill=p.light, line=0.012)
    p.ellipse(0.58, 0.36, 0.72, 0.46, fill=p.light, line=0.012)


def _bench(p: Pen) -> None:
    for x in (0.1, 0.8):
        p.rect(x, 0.12, x + 0.1, 0.99, fill=STEEL)
    for y in (0.04, 0.27):
        p.rect(0.02, y, 0.98, y + 0.17, fill=p.main)
    p.rect(0.0, 0.54, 1.0, 0.74, fill=p.main)
    p.line(0.02, 0.7, 0.98, 0.7, fill=p.dark, width=0.05)


def _dog(p: Pen) -> None:
    p.line(0.1, 0.5, 0.03, 0.2, fill=p.main, width=0.07)
    for x in (0.14, 0.28, 0.52, 0.64):
        p.rect(x, 0.6, x + 0.1, 0.99, fill=p.dark)
    p.rounded(0.08, 0.38, 0.76, 0.74, fill=p.main, radius=0.14)
    p.rounded(0.58, 0.06, 0.9, 0.5, fill=p.main, radius=0.1)
    p.rounded(0.8, 0.24, 1.0, 0.46, fill=p.light, radius=0.06)
    p.poly(0.58, 0.1, 0.68, 0.1, 0.64, 0.42, 0.54, 0.36, fill=p.dark)
    p.ellipse(0.76, 0.16, 0.82, 0.24, fill=INK)


def _kite(p: Pen) -> None:
    p.line(0.5, 0.66, 0.62, 0.78, 0.42, 0.87, 0.55, 0.98, fill=p.dark, width=0.045)
    p.poly(0.5, 0.01, 0.98, 0.3, 0.5, 0.74, 0.02, 0.3, fill=p.main)
    p.poly(0.5, 0.01, 0.98, 0.3, 0.5, 0.3, fill=p.light)
    p.poly(0.5, 0.3, 0.5, 0.74, 0.02, 0.3, fill=p.light)
    p.poly(0.38, 0.8, 0.52, 0.86, 0.36, 0.93, fill=p.main)


def _car(p: Pen) -> None:
    p.poly(0.2, 0.4, 0.32, 0.04, 0.72, 0.04, 0.86, 0.4, fill=p.main)
    p.poly(0.28, 0.38, 0.36, 0.13, 0.5, 0.13, 0.5, 0.38, fill=GLASS)
    p.poly(0.54, 0.38, 0.54, 0.13, 0.68, 0.13, 0.77, 0.38, fill=GLASS)
    p.rounded(0.01, 0.36, 0.99, 0.8, fill=p.main, radius=0.06)
    for x in (0.14, 0.64):
        p.ellipse(x, 0.6, x + 0.24, 0.99, fill=INK)
        p.ellipse(x + 0.07, 0.72, x + 0.17, 0.88, fill=STEEL)


def _bus(p: Pen) -> None:
    p.rounded(0.01, 0.02, 0.99, 0.86, fill=p.main, radius=0.05)
    for x in (0.07, 0.3, 0.53):
        p.rect(x, 0.14, x + 0.18, 0.42, fill=GLASS)
    p.rect(0.77, 0.14, 0.93, 0.78, fill=GLASS)
    p.line(0.03, 0.55, 0.76, 0.55, fill=PAPER, width=0.05)
    for x in (0.14, 0.58):
        p.ellipse(x, 0.7, x + 0.2, 0.99, fill=INK)


def _house(p: Pen) -> None:
    p.rect(0.7, 0.06, 0.82, 0.36, fill=STEEL)
    p.rect(0.1, 0.42, 0.9, 0.99, fill=PAPER)
    p.rect(0.42, 0.6, 0.62, 0.99, fill=p.dark)
    p.rect(0.17, 0.56, 0.34, 0.76, fill=p.light)
    p.rect(0.69, 0.56, 0.84, 0.76, fill=p.light)
    p.poly(0.5, 0.01, 0.99, 0.48, 0.01, 0.48, fill=p.main)


def _lamp(p: Pen) -> None:
    p.rect(0.4, 0.36, 0.6, 0.94, fill=STEEL)
    p.rect(0.2, 0.88, 0.8, 0.99, fill=STEEL)
    p.poly(0.22, 0.02, 0.78, 0.02, 0.99, 0.36, 0.01, 0.36, fill=p.main)
    p.ellipse(0.3, 0.3, 0.7, 0.44, fill=PAPER)


def _cup(p: Pen) -> None:
    p.arc(0.6, 0.2, 0.98, 0.72, start=270, end=90, fill=INK, width=0.13)
    p.arc(0.62, 0.225, 0.965, 0.7, start=270, end=90, fill=p.main, width=0.09)
    p.poly(0.03, 0.12, 0.77, 0.12, 0.68, 0.98, 0.12, 0.98, fill=p.main)
    p.ellipse(0.03, 0.02, 0.77, 0.24, fill=(92, 58, 40))
    p.line(0.18, 0.36, 0.22, 0.84, fill=p.light, width=0.06)


def _chair(p: Pen) -> None:
    p.rounded(0.04, 0.01, 0.4, 0.6, fill=p.main, radius=0.05)
    p.rect(0.12, 0.12, 0.31, 0.22, fill=p.light)
    p.rect(0.12, 0.32, 0.31, 0.42, fill=p.light)
    for x in (0.06, 0.8):
        p.rect(x, 0.64, x + 0.15, 0.99, fill=WOOD)
    p.rect(0.02, 0.54, 0.99, 0.7, fill=p.main)


def _clock(p: Pen) -> None:
    p.poly(0.18, 0.99, 0.3, 0.78, 0.42, 0.9, fill=p.dark)
    p.poly(0.82, 0.99, 0.7, 0.78, 0.58, 0.9, fill=p.dark)
    p.pie(0.06, 0.0, 0.46, 0.36, start=150, end=330, fill=p.dark)
    p.pie(0.54, 0.0, 0.94, 0.36, start=210, end=30, fill=p.dark)
    p.ellipse(0.04, 0.08, 0.96, 0.94, fill=p.main)
    p.ellipse(0.2, 0.23, 0.8, 0.79, fill=PAPER)
    p.line(0.5, 0.3, 0.5, 0.52, 0.66, 0.6, width=0.06)


def _cake(p: Pen) -> None:
    p.rect(0.47, 0.1, 0.53, 0.36, fill=PAPER)
    p.ellipse(0.45, 0.0, 0.55, 0.14, fill=(255, 190, 60))
    p.rounded(0.2, 0.3, 0.8, 0.62, fill=p.light, radius=0.05)
    p.rounded(0.04, 0.54, 0.96, 0.92, fill=p.main, radius=0.05)
    p.line(0.06, 0.7, 0.94, 0.7, fill=PAPER, width=0.06)
    p.rect(0.0, 0.9, 1.0, 0.99, fill=STEEL)


DRAWINGS: dict[str, Callable[[Pen], None]] = {
    "umbrella": _umbrella,
    "boat": _boat,
    "crab": _crab,
    "ball": _ball,
    "tree": _tree,
    "bench": _bench,
    "dog": _dog,
    "kite": _kite,
    "car": _car,
    "bus": _bus,
    "house": _house,
    "lamp": _lamp,
    "cup": _cup,
    "chair": _chair,
    "clock": _clock,
    "cake": _cake,
}


@cache
def sprite(name: str, color: str, mirrored: bool) -> Image.Image:
    """Return the large RGBA drawing of a class in a colour; shrink it to the size wanted."""
    pen = Pen(CLASSES[name].aspect, COLORS[color])
    DRAWINGS[name](pen)
    return pen.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else pen.image
