"""The streaming masker: every form of every secret becomes `****`, wherever the stream is cut."""

import base64
import json
import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    import re2

MASK = b"****"
MIN_CHARACTERS = 4  # shorter values would blot out ordinary text, as CircleCI says as well
_MIN_LINE_CHARACTERS = 16  # of a secret of several lines; shorter ones are seldom secret
_NEVER = frozenset({"true", "True", "TRUE", "false", "False", "FALSE", "null"})
_HEAD_BYTES = 4  # a place where a secret may begin is first looked for by so many bytes
# Forms are looked for by their first bytes and then compared whole: a pattern of two identity
# tokens in all their forms would take 19 ms to compile, for each job.
_SIGHT_BYTES = 24


# What is spelled the same in shells, URLs, JSON and markup, as most tokens are.
_NEVER_QUOTED = re.compile(r"[A-Za-z0-9._-]+")


def maskable(value: str) -> bool:
    """Tell whether a value is hidden at all."""
    return len(value) >= MIN_CHARACTERS and value not in _NEVER and value.strip() != ""


def forms_of(value: str) -> set[bytes]:
    """Return all spellings under which this value is looked for."""
    texts = {value, value.strip()}
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        texts.add(value.replace("\n", "\r\n"))
        texts.update(line for line in lines if len(line) >= _MIN_LINE_CHARACTERS)
    forms: set[bytes] = set()
    for text in texts:
        if maskable(text):
            forms |= _spellings(text)
    return {form for form in forms if len(form) >= MIN_CHARACTERS}


def _spellings(text: str) -> set[bytes]:
    raw = text.encode("utf-8", "surrogateescape")
    if _NEVER_QUOTED.fullmatch(text) is not None:
        return {raw, raw.hex().encode(), raw.hex().upper().encode(), *_base64(raw)}
    from html import escape

    printable = raw.decode("utf-8", "replace")
    in_single = printable.replace("'", "'\\''")
    found = {
        printable,
        in_single,
        printable.replace("'", "'\"'\"'"),
        _backslashed(printable),
        _escaped(printable, '"\\$`'),  # inside double quotes
        quote(printable, safe=""),
        quote(printable),
        quote_plus(printable),
        escape(printable),
        escape(printable, quote=False),
        json.dumps(printable)[1:-1],
        json.dumps(printable, ensure_ascii=False)[1:-1],
        json.dumps(printable)[1:-1].replace("/", "\\/"),
        repr(printable)[1:-1],
        raw.hex(),
        raw.hex().upper(),
    }
    found |= {_lower_percent(form) for form in list(found) if "%" in form}
    forms = {form.encode() for form in found}
    forms.add(raw)
    return forms | _base64(raw)


def _base64(raw: bytes) -> set[bytes]:
    """Return what is left of `raw` in base64 whatever stands before and after it."""
    found = set()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        # Characters that share bits with a neighbour are not known.
        first = (0, 2, 3)[shift]
        whole = (shift + len(raw)) * 8 // 6
        known = encoded[first:whole]
        found |= {known, known.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def _escaped(text: str, which: str) -> str:
    return "".join("\\" + char if char in which else char for char in text)


def _backslashed(text: str) -> str:
    """Return the text as `printf %q` shows it: everything odd behind a backslash."""
    plain = "_-./:=@%+,"
    return "".join(c if c.isalnum() or c in plain or ord(c) > 127 else "\\" + c for c in text)


def _lower_percent(text: str) -> str:
    pieces = text.split("%")
    return pieces[0] + "".join("%" + piece[:2].lower() + piece[2:] for piece in pieces[1:])


class Forms:
    """All forms of all secrets of a job, compiled once and used by the masker of every step.

    They are compiled when something is looked through that may have one in it: many jobs print less
    than the shortest of them is long.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._found: set[bytes] = set()
        self._sorted: list[bytes] = []
        self.longest = 0
        self._shortest = 0
        self._pattern: re2._Regexp | None = None
        self._by_sight: dict[bytes, list[bytes]] = {}
        self._sights: list[int] = []  # the lengths of those keys
        self._heads: re2._Regexp | None = None
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Hide these as well, from here on: they must not have been told to the job yet."""
        for secret in secrets:
            self._found |= forms_of(secret)
        found = self._found
        self._sorted = sorted(found)
        self.longest = max(map(len, found), default=0)
        self._shortest = min(map(len, found), default=0)
        self._pattern = self._heads = None

    def _compiled(self) -> "re2._Regexp":
        """Return the pattern of what forms begin with."""
        if self._pattern is None:
            self._by_sight = {}
            for form in sorted(self._found, key=len, reverse=True):
                self._by_sight.setdefault(form[:_SIGHT_BYTES], []).append(form)
            self._sights = sorted({len(sight) for sight in self._by_sight})
            self._pattern = _compile(self._by_sight)
        return self._pattern

    def matches(self, data: bytes) -> Iterable[tuple[int, int]]:
        """Yield the places of complete forms, left to right, without overlaps."""
        if not self._found or len(data) < self._shortest:
            return
        pattern, at = self._compiled(), 0
        while (match := pattern.search(data, at)) is not None:
            start = int(match.start())
            end = self._end_of_form(data, start)
            if end is None:
                at = start + 1
            else:
                yield start, end
                at = end

    def _end_of_form(self, data: bytes, start: int) -> int | None:
        """Return where the longest complete form at `start` ends, None if there is none."""
        longest = 0
        for length in self._sights:
            for form in self._by_sight.get(data[start : start + length], ()):
                if len(form) > longest and data.startswith(form, start):
                    longest = len(form)
                    break  # the others of this sight are no longer
        return start + longest if longest else None

    def may_begin(self, data: bytes, start: int) -> int:
        """Return the first place from `start` whose rest could be the beginning of a form."""
        end = len(data)
        if not self._found or start >= end:
            return end
        if self._heads is None:
            self._heads = _compile({form[:_HEAD_BYTES] for form in self._found})
        at = max(start, end - self.longest + 1)
        # The heads have exactly this length or are a whole form that is shorter.
        while at <= end - _HEAD_BYTES:
            match = self._heads.search(data, at)
            if match is None:
                break
            at = int(match.start())
            if at > end - _HEAD_BYTES:
                break
            if self._is_prefix(data[at:]):
                return at
            at += 1
        for last in range(max(start, end - _HEAD_BYTES + 1), end):
            if self._is_prefix(data[last:]):
                return last
        return end

    def _is_prefix(self, rest: bytes) -> bool:
        place = bisect_left(self._sorted, rest)
        # A form that is equal to the rest is complete, not a beginning; a longer one may follow.
        if place < len(self._sorted) and self._sorted[place] == rest:
            place += 1
        return place < len(self._sorted) and self._sorted[place].startswith(rest)


def _compile(alternatives: Iterable[bytes]) -> "re2._Regexp":
    import re2  # most local runs have no secrets

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = 256 * 1024 * 1024
    return re2.compile(b"|".join(re2.escape(form) for form in alternatives), options)


class Masker:
    """Masks one stream.  What was fed in pieces comes out as if it had been fed whole."""

    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._held = b""

    @property
    def held(self) -> int:
        """How many bytes at the end may be the beginning of a secret and are not out yet."""
        return len(self._held)

    def feed(self, data: bytes) -> bytes:
        """Return what can be shown by now."""
        data = self._held + data
        out, at = self._masked(data, final=False)
        self._held = data[at:]
        return out

    def flush(self) -> bytes:
        """Return the rest: the stream has ended."""
        out, _ = self._masked(self._held, final=True)
        self._held = b""
        return out

    def whole(self, data: bytes) -> bytes:
        """Return what can be shown of data that is all there is."""
        out, _ = self._masked(data, final=True)
        return out

    def _masked(self, data: bytes, *, final: bool) -> tuple[bytes, int]:
        at = 0
        cut = len(data) if final else self._forms.may_begin(data, 0)
        pieces: list[bytes] = []
        for start, end in self._forms.matches(data):
            if start >= cut:
                break
            pieces += (data[at:start], MASK)
            at = end
            if end > cut:  # the secret reaches into what was to be held
                cut = len(data) if final else self._forms.may_begin(data, end)
        if not pieces:
            return data[:cut], cut
        pieces.append(data[at:cut])
        return b"".join(pieces), cut


def masked_text(forms: Forms, text: str) -> str:
    """Return a text of ours (a name, a message) without the secrets in it."""
    raw = text.encode("utf-8", "surrogateescape")
    return Masker(forms).whole(raw).decode("utf-8", "surrogateescape")
