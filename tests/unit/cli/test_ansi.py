"""Output of jobs on a terminal that is not theirs."""

import pytest

from roundel.cli.ansi import tamed


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain, ünïcode", "plain, ünïcode"),
        ("a\tb", "a\tb"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m\x1b[0m"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1b[?1049h\x1b[?25lalt", "alt"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0;2\x1b\\sixel", "sixel"),
        ("\x1b7saved\x1b8\x1bc", "saved"),
        ("\x1b(0lines", "lines"),
        ("bell\x07 back\x08 c1\x9b2J nul\x00", "bell back c12J nul"),
        ("cut off \x1b[", "cut off "),
        ("alone \x1b", "alone "),
    ],
)
def test_a_line_keeps_its_colours_and_loses_what_moves_or_sets_up(said: str, shown: str) -> None:
    assert tamed(said) == shown
