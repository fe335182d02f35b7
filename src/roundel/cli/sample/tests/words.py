import unittest

from tally import words


class Words(unittest.TestCase):
    def test_case_does_not_matter(self) -> None:
        self.assertEqual(words("Tea tea TEA")["tea"], 3)

    def test_nothing_has_no_words(self) -> None:
        self.assertEqual(len(words("")), 0)
