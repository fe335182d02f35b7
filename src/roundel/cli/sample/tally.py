"""Count words and lines of a text."""

import sys
from collections import Counter


def words(text: str) -> Counter[str]:
    return Counter(text.lower().split())


def lines(text: str) -> int:
    return len(text.splitlines())


if __name__ == "__main__":
    text = sys.stdin.read()
    print(f"{lines(text)} lines")
    for word, count in words(text).most_common(3):
        print(f"{count:4} {word}")
