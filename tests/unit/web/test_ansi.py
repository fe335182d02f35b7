"""Terminal output becomes colours and text, and nothing else, on the server and in the browser."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.web.ansi import Pen, lines_of
from tests.npm import run_node

CASES = [tuple(it) for it in json.loads((Path(__file__).parent / "ansi_cases.json").read_text())]
MODULE = Path(__file__).parents[3] / "src/roundel/web/static/ansi.js"

# As much of a document as the module needs; text is escaped as the server does it.
DRIVER = r"""
const fs = require("fs");
const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")
  .replace(/"/g, "&#34;").replace(/'/g, "&#39;");
class Node {
  constructor() { this.html = ""; }
  append(it) { this.html += typeof it === "string" ? escape(it) : it.outer(); }
}
globalThis.document = {
  createDocumentFragment: () => new Node(),
  createElement: () => ({
    outer() { return `<span class="${this.className}">${escape(this.textContent)}</span>`; },
  }),
};
(async () => {
  const source = fs.readFileSync(process.argv[1], "utf8");
  const { Pen, line } = await import("data:text/javascript," + encodeURIComponent(source));
  const cases = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  console.log(JSON.stringify(cases.map(([text]) => line(text, new Pen()).html)));
})();
"""


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_line_becomes_markup(text: str, expected: str) -> None:
    assert str(lines_of(text)[0]) == expected


@pytest.mark.npm
def test_the_browser_makes_the_same_of_every_line() -> None:
    cases = Path(__file__).parent / "ansi_cases.json"
    made = json.loads(run_node(DRIVER, str(MODULE), str(cases)))
    assert made == [expected for _, expected in CASES]


def test_colours_go_on_to_the_next_line() -> None:
    assert [str(it) for it in lines_of("a\x1b[32mb\nc\x1b[0md")] == [
        'a<span class="f2">b</span>',
        '<span class="f2">c</span>d',
    ]


@given(st.text(alphabet=st.sampled_from("\x1b[];m0123438<>&\"'\r\n\x07\\ax"), max_size=60))
def test_no_output_makes_markup_of_its_own(text: str) -> None:
    for line in lines_of(text, Pen()):
        rest = str(line)
        for piece in ("</span>", *(f"&{it};" for it in ("lt", "gt", "amp", "#34", "#39"))):
            rest = rest.replace(piece, "")
        while '<span class="' in rest:
            before, _, after = rest.partition('<span class="')
            classes, _, after = after.partition('">')
            assert classes.replace(" ", "").isalnum()
            rest = before + after
        assert not set("<>&\"'") & set(rest)
