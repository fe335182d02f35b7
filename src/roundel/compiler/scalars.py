"""YAML 1.1 scalars: what an unquoted text means, and how a value is written so that it stays."""

from __future__ import annotations

import re
from functools import lru_cache

_WORDS: dict[str, bool | None] = {
    form: value
    for words, value in ((("yes", "true", "on"), True), (("no", "false", "off"), False))
    for word in words
    for form in (word, word.capitalize(), word.upper())
} | dict.fromkeys(("", "~", "null", "Null", "NULL"))

# Other readers of YAML 1.1 take these for booleans; they are text here but are written in quotes.
_DOUBTFUL = frozenset({"y", "Y", "n", "N", "=", "<<"})

# First characters of all unquoted texts that mean anything but themselves.
AMBIGUOUS = frozenset("0123456789+-.~yYnNtTfFoO")

_INT = re.compile(
    r"[-+]?(?:0b[01_]+|0[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*|[1-9][0-9_]*(?::[0-5]?[0-9])+)\Z"
)
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|\.(?:inf|Inf|INF))\Z|\.(?:nan|NaN|NAN)\Z"
)

LONGEST_NUMBER = 100  # characters; longer ones stay text, since nothing means them as numbers
_LARGEST = 2**63 - 1  # integers beyond 64 bits stay text too: no reader of a plan could hold them


@lru_cache(maxsize=4096)
def resolve(text: str) -> bool | int | float | str | None:
    """Return the value of an unquoted scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if not text or text[0] not in AMBIGUOUS or len(text) > LONGEST_NUMBER:
        return text
    if _INT.match(text):
        value = _integer(text)
        return text if isinstance(value, int) and abs(value) > _LARGEST else value
    if _FLOAT.match(text):
        return _real(text)
    return text


def may_mean_more(text: str) -> bool:
    """Tell quickly whether `resolve` could return anything but the text itself."""
    return not text or text[0] in AMBIGUOUS


def _integer(text: str) -> int | str:
    digits = text.replace("_", "")
    sign = -1 if digits[0] == "-" else 1
    digits = digits.lstrip("+-")
    try:
        if digits.startswith("0b"):
            return sign * int(digits[2:], 2)
        if digits.startswith("0x"):
            return sign * int(digits[2:], 16)
        if ":" in digits:
            return sign * _sexagesimal(digits.split(":"))
        if digits[0] == "0" and digits != "0":
            return sign * int(digits, 8)
        return sign * int(digits)
    except ValueError:  # only underscores after a prefix: `0x_`
        return text


def _sexagesimal(parts: list[str]) -> int:
    value = 0
    for part in parts:
        value = value * 60 + int(part)
    return value


def _real(text: str) -> float:
    digits = text.replace("_", "").lower()
    sign = -1.0 if digits[0] == "-" else 1.0
    digits = digits.lstrip("+-")
    if digits == ".inf":
        return sign * float("inf")
    if digits == ".nan":
        return float("nan")
    if ":" in digits:
        value = 0.0
        for part in digits.split(":"):
            value = value * 60 + float(part)
        return sign * value
    return sign * float(digits)


# What may stand unquoted in block style: printable ASCII that begins harmlessly.  Narrower than
# YAML allows, since a quote too many is harmless and one too few is not.
_PLAIN = re.compile(r"[A-Za-z0-9_/~$.(^+;\\-][ -~]*\Z")
_UNSAFE = re.compile(r": |:\Z| #| \Z|\A(?:-|---|\.\.\.)(?: |\Z)|\A~\Z")


def plain_is_safe(text: str) -> bool:
    """Tell whether a text of one line may be written unquoted and is read back as the same text."""
    if _PLAIN.match(text) is None or _UNSAFE.search(text) is not None:
        return False
    if text in _DOUBTFUL:
        return False
    return not may_mean_more(text) or (isinstance(resolve(text), str) and not _looks_dated(text))


_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
_NUMBERISH = re.compile(r"[-+]?(?:0o[0-7]+|\.?[0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)\Z")


def _looks_dated(text: str) -> bool:
    """Tell whether another reader may take a text for a date or a YAML 1.2 number."""
    return _DATE.match(text) is not None or _NUMBERISH.match(text) is not None


def number_text(value: int | float) -> str:
    """Return a number as YAML 1.1 reads it back."""
    if isinstance(value, int):
        return str(value)
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    return text
