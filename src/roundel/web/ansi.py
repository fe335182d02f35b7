"""Terminal output as markup: colours as classes, everything else as text.

What is not a colour, bold, dim, italic or underline is left out: cursor moves, titles, links.
`static/ansi.js` says the same to live output; `tests/web/ansi_cases.json` holds both to it.
"""

import re
from collections.abc import Sequence

from markupsafe import Markup, escape

from roundel.domain.records import dataclass

# CSI sequences, OSC sequences (titles, links) up to their end, and two-byte escapes.
_ESCAPE = re.compile(
    r"\x1b\[([0-9;:]*)([@-~])"
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CUBE = (0, 95, 135, 175, 215, 255)
_BASIC = (
    (0, 0, 0),
    (205, 49, 49),
    (13, 188, 121),
    (229, 229, 16),
    (36, 114, 200),
    (188, 63, 188),
    (17, 168, 205),
    (229, 229, 229),
    (102, 102, 102),
    (241, 76, 76),
    (35, 209, 139),
    (245, 245, 67),
    (59, 142, 234),
    (214, 112, 214),
    (41, 184, 219),
    (255, 255, 255),
)


@dataclass(slots=True)
class Pen:
    """How text is written from here on; it lasts from one line to the next."""

    ink: int | None = None
    ground: int | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    under: bool = False
    inverse: bool = False

    @property
    def classes(self) -> str:
        """Return the classes of text that is written now."""
        ink, ground = (self.ground, self.ink) if self.inverse else (self.ink, self.ground)
        names = [] if ink is None else [f"f{ink}"]
        names += [] if ground is None else [f"g{ground}"]
        if self.inverse and ink is None and ground is None:
            names.append("inv")
        flags = (("b", self.bold), ("d", self.dim), ("i", self.italic), ("u", self.under))
        return " ".join([*names, *(name for name, on in flags if on)])

    def apply(self, codes: str) -> None:
        """Change as a sequence says; what is not known changes nothing."""
        numbers = [int(it) if it.isdigit() and len(it) < 6 else 0 for it in re.split("[;:]", codes)]
        at = 0
        while at < len(numbers):
            code = numbers[at]
            if code in (38, 48):
                colour, at = _colour(numbers, at)
                if code == 38:
                    self.ink = colour
                else:
                    self.ground = colour
                continue
            self._one(code)
            at += 1

    def _one(self, code: int) -> None:
        if code == 0:
            self.ink = self.ground = None
            self.bold = self.dim = self.italic = self.under = self.inverse = False
        elif 30 <= code <= 37:
            self.ink = code - 30
        elif 90 <= code <= 97:
            self.ink = code - 90 + 8
        elif 40 <= code <= 47:
            self.ground = code - 40
        elif 100 <= code <= 107:
            self.ground = code - 100 + 8
        elif code == 39:
            self.ink = None
        elif code == 49:
            self.ground = None
        elif code == 22:
            self.bold = self.dim = False
        elif code in _FLAGS:
            name, on = _FLAGS[code]
            setattr(self, name, on)


_FLAGS = {
    1: ("bold", True),
    2: ("dim", True),
    3: ("italic", True),
    23: ("italic", False),
    4: ("under", True),
    24: ("under", False),
    7: ("inverse", True),
    27: ("inverse", False),
}


def _colour(numbers: Sequence[int], at: int) -> tuple[int | None, int]:
    """Return one of the sixteen colours nearest to an extended one, and where it ends."""
    kind = numbers[at + 1] if at + 1 < len(numbers) else 0
    if kind == 5 and at + 2 < len(numbers):
        return _of_256(numbers[at + 2]), at + 3
    if kind == 2 and at + 4 < len(numbers):
        return _nearest(numbers[at + 2], numbers[at + 3], numbers[at + 4]), at + 5
    return None, len(numbers)


def _of_256(number: int) -> int | None:
    if number < 16:
        return number
    if number < 232:
        cube = number - 16
        return _nearest(_CUBE[cube // 36], _CUBE[cube // 6 % 6], _CUBE[cube % 6])
    if number < 256:
        grey = 8 + 10 * (number - 232)
        return _nearest(grey, grey, grey)
    return None


def _nearest(red: int, green: int, blue: int) -> int:
    return min(
        range(16),
        key=lambda it: (
            (_BASIC[it][0] - red) ** 2 + (_BASIC[it][1] - green) ** 2 + (_BASIC[it][2] - blue) ** 2
        ),
    )


def lines_of(text: str, pen: Pen | None = None) -> list[Markup]:
    """Return the lines of output as markup; of what a line overwrote only the last is kept."""
    pen = pen or Pen()
    return [_line(line, pen) for line in text.split("\n")]


def _line(text: str, pen: Pen) -> Markup:
    text = text.rstrip("\r")
    if "\r" in text:
        before, _, text = text.rpartition("\r")
        for found in _ESCAPE.finditer(before):  # colours go on, though their text is gone
            if found.group(2) == "m":
                pen.apply(found.group(1))
    parts: list[Markup] = []
    at = 0
    for found in _ESCAPE.finditer(text):
        parts.append(_span(text[at : found.start()], pen))
        if found.group(2) == "m":
            pen.apply(found.group(1))
        at = found.end()
    parts.append(_span(text[at:], pen))
    return Markup("").join(parts)


def _span(text: str, pen: Pen) -> Markup:
    text = _CONTROLS.sub("", text)
    if not text:
        return Markup("")
    classes = pen.classes
    if not classes:
        return escape(text)
    return Markup('<span class="{}">{}</span>').format(classes, text)
