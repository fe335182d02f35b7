"""The terminal of a job's page: which letters take how many columns, and what becomes of halves."""

import json
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from tests.npm import run_node

pytestmark = pytest.mark.npm

STATIC = Path(__file__).parents[3] / "src/roundel/web/static"
# Letters that Unicode 15 made no mark any more, and that Unicode 16 has made wide.
OF_LATER = {0x1171E, *range(0x2630, 0x2638), *range(0x268A, 0x2690), *range(0x4DC0, 0x4E00)}
OF_LATER |= set(range(0x1D300, 0x1D377))

# Feeds each text to a screen of 8 columns and 3 rows; `<` is the second column of a wide letter.
DRIVER = r"""
globalThis.requestAnimationFrame = () => 1;
(async () => {
  const { Screen } = await import(process.argv[1] + "/terminal.js");
  const { columnsOf } = await import(process.argv[1] + "/cells.js");
  const shown = (text) => {
    const said = [];
    const screen = new Screen({}, {}, 8, 3, (it) => said.push(it));
    screen.feed(text);
    const rows = screen.cells.map((row) => Array.from(row, (it) => it[0] || "<").join(""));
    return { rows, at: [screen.x, screen.y], said };
  };
  const known = {};
  for (let point = 32; point < 0x110000; point += 1) {
    const letter = String.fromCodePoint(point);
    if (!/[\p{Cc}\p{Cs}\p{Cn}\p{Co}]/u.test(letter)) known[point] = columnsOf(letter);
  }
  const texts = JSON.parse(process.argv[2]);
  console.log(JSON.stringify({ known, shown: texts.map(shown) }));
})();
"""

# What is written, and the first row after it.
DRAWN = {
    "日本 ok": "日<本< ok",
    "abcdefg日": "abcdefg",  # no room for it: it begins the next line
    "日本語字x": "日<本<語<字<",  # four fill the line
    "e\u0301a\u200bb": "e\u0301a\u200bb",  # marks take no column
    "日\u0301x": "日\u0301<x",
    "\u0301x": "x",  # a mark on nothing
    "日本\rx": "x 本<",
    "日本\x1b[2Gx": " x本<",
    "ab日\x1b[3G語": "ab語<",
    "a日本\x1b[1G語": "語< 本<",
    "日本\x1b[2G\x1b[K": " ",
    "日本\x1b[2G\x1b[2X": "    ",
    "日本x\x1b[2G\x1b[P": " 本<x",
    "日x\x1b[2G\x1b[@": "   x",
    "ab日本語\x1b[1G\x1b[@": " ab日<本< ",
    "\x1b[4hab日本語\x1b[1Gx": "xab日<本< ",
    "\x1b[?7labcdefg日": "abcdef日<",
    "🙂🇨🇭x": "🙂<🇨🇭x",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "package.json").write_text('{"type": "module"}')
    for name in ("ansi.js", "cells.js", "terminal.js"):
        shutil.copy(STATIC / name, folder)
    texts = [*DRAWN, "日\x1b[6n", "日本語字\x1b[6n", "日本語字日"]
    found: dict[str, Any] = json.loads(run_node(DRIVER, str(folder), json.dumps(texts)))
    return found


def columns_of(letter: str) -> int:
    """Return what the Unicode data of Python say, which the C library's `wcwidth` follows."""
    if letter != "\u00ad" and unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    if 0x1160 <= ord(letter) <= 0x11FF or 0xD7B0 <= ord(letter) <= 0xD7FF:
        return 0  # vowels and ends of Hangul, which join the letter before
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def test_letters_take_the_columns_that_programs_reckon_with(told: dict[str, Any]) -> None:
    known = {int(point): columns for point, columns in told["known"].items()}
    assert len(known) > 140_000
    wrong = {
        f"{point:04x}": (columns, columns_of(chr(point)))
        for point, columns in known.items()
        if unicodedata.category(chr(point)) != "Cn" and columns != columns_of(chr(point))
        if point not in OF_LATER
    }
    assert wrong == {}


def test_wide_letters_stand_in_two_columns_and_go_as_a_whole(told: dict[str, Any]) -> None:
    rows = dict(zip(DRAWN, (it["rows"][0] for it in told["shown"]), strict=False))
    assert rows == DRAWN


def test_the_cursor_stands_where_programs_think(told: dict[str, Any]) -> None:
    one, four, five = told["shown"][len(DRAWN) :]
    assert (one["at"], one["said"]) == ([2, 0], ["\x1b[1;3R"])
    assert (four["at"], four["said"]) == ([7, 0], ["\x1b[1;8R"])  # at the last column, as xterm
    assert (five["at"], five["rows"][1]) == ([2, 1], "日<")
