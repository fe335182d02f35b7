import unittest

from tally import lines


class Lines(unittest.TestCase):
    def test_a_last_line_needs_no_newline(self) -> None:
        self.assertEqual(lines("one\ntwo"), 2)

    def test_nothing_has_no_lines(self) -> None:
        self.assertEqual(lines(""), 0)
