"""Cache keys: the forms of Go's text/template that occur in them, and nothing more.

Literals, `.Branch` and its like, `.Environment.NAME`, the functions `checksum`, `epoch`, `arch`,
`round`, `print` and `printf`, pipes, parentheses, comments and the trim markers `{{-` and `-}}`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from roundel.domain.records import dataclass
from roundel.domain.storage import CACHE_KEY_LIMIT

NO_VALUE = "<no value>"  # what Go prints for a missing entry of a map
_DEPTH = 32  # nested parentheses; nobody means more

Value: TypeAlias = str | int | bool
Checksum: TypeAlias = Callable[[str], str | None]
"""From a file's name to the base64 SHA-256 of its content; None where there is no such file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """What a key may refer to.  `environment` is what a step of the job would see."""

    branch: str
    build_num: int
    revision: str
    checkout_key: str
    environment: Mapping[str, str]
    arch: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BadKey:
    """A key that cannot be computed; `message` says where and why."""

    message: str


class _Bad(Exception):
    """Carries a message out of the nested evaluation; it never leaves this module."""


_PIECE = re.compile(r"\{\{(?P<left>-(?=\s))?")
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<text>"(?:[^"\\\n]|\\.)*")
      | (?P<raw>`[^`]*`)
      | (?P<char>'(?:[^'\\\n]|\\.)*')
      | (?P<number>[+-]?[0-9][0-9_]*)(?![\w.])
      | (?P<field>(?:\.[A-Za-z_]\w*)+)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<mark>[|()])""",
    re.VERBOSE,
)
_CLOSE = re.compile(r"(?P<right>(?<=\s)-)?\}\}")
_COMMENT = re.compile(r"\s*/\*.*?\*/\s*(?P<right>-)?\}\}", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
_UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_VERB = re.compile(r"%(?:%|[sdvq])")

_Token: TypeAlias = tuple[str, str]


def render(template: str, facts: KeyFacts, checksum: Checksum) -> str | BadKey:
    """Return the key that `template` makes of the facts, or why there is none.

    Pure but for `checksum`: whoever must fetch digests first can render once to collect the names.
    """
    try:
        key = "".join(_pieces(template, facts, checksum))
    except _Bad as bad:
        return BadKey(message=f"error computing cache key: template: cacheKey:1: {bad}")
    if not key:
        return BadKey(message=f"the cache key {template!r} is empty")
    if len(key) > CACHE_KEY_LIMIT:
        return BadKey(
            message=f"the cache key is {len(key)} characters long, {CACHE_KEY_LIMIT} are allowed: "
            f"{key[:60]}…"
        )
    return key


def files_in(template: str, facts: KeyFacts) -> tuple[str, ...]:
    """Return the names of the files whose checksums the template asks for, each once."""
    names: dict[str, None] = {}

    def note(name: str) -> str:
        names[name] = None
        return "-"

    render(template, facts, note)
    return tuple(names)


def arch_text(system: str, machine: str, cpuinfo: str) -> str:
    """Return `{{ arch }}`: operating system, architecture, family and model of the processor."""
    fields: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    go_names = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386"}
    family, model = fields.get("cpu family", ""), fields.get("model", "")
    return f"arch1-{system.lower()}-{go_names.get(machine, machine)}-{family}_{model}"


def _pieces(template: str, facts: KeyFacts, checksum: Checksum) -> Iterator[str]:
    at, trim = 0, False
    while True:
        opened = _PIECE.search(template, at)
        text = template[at : opened.start() if opened else None]
        if trim:
            text = text.lstrip(" \t\r\n")
        if opened and opened["left"]:
            text = text.rstrip(" \t\r\n")
        yield text
        if opened is None:
            return
        if comment := _COMMENT.match(template, opened.end()):
            at, trim = comment.end(), comment["right"] is not None
            continue
        tokens, closed = _tokens(template, opened.end())
        value, rest = _pipeline(tokens, facts, checksum, 0)
        if rest:
            raise _Bad(f"unexpected {rest[0][1]!r} in {_shown(tokens)}")
        yield _printed(value)
        at, trim = closed.end(), closed["right"] is not None


def _tokens(template: str, at: int) -> tuple[list[_Token], re.Match[str]]:
    found: list[_Token] = []
    start = at
    while True:
        if closed := _CLOSE.match(template, at):
            return found, closed
        match = _TOKEN.match(template, at)
        if match is None:
            if at >= len(template):
                raise _Bad(f"unclosed action: {{{{{template[start:][:60]}")
            raise _Bad(f"unexpected {template[at]!r} in {{{{{template[start:][:60]}")
        at = match.end()
        if match.lastgroup and match.lastgroup != "space":
            found.append((match.lastgroup, match[0]))


def _pipeline(
    tokens: Sequence[_Token], facts: KeyFacts, checksum: Checksum, depth: int
) -> tuple[Value, Sequence[_Token]]:
    """Evaluate commands joined by pipes; return the value and the tokens that are left."""
    if depth > _DEPTH:
        raise _Bad(f"more than {_DEPTH} nested parentheses")
    piped: list[Value] = []
    while True:
        command: list[tuple[str, Value]] = []
        while tokens and tokens[0] not in (("mark", "|"), ("mark", ")")):
            if tokens[0] == ("mark", "("):
                inner, rest = _pipeline(tokens[1:], facts, checksum, depth + 1)
                if not rest:
                    raise _Bad("unclosed left paren")
                command.append(("value", inner))
                tokens = rest[1:]
            else:
                command.append(_operand(tokens[0], facts))
                tokens = tokens[1:]
        piped = [_command(command, piped, facts, checksum)]
        if not tokens or tokens[0] == ("mark", ")"):
            return piped[0], tokens
        tokens = tokens[1:]


def _operand(token: _Token, facts: KeyFacts) -> tuple[str, Value]:
    kind, text = token
    match kind:
        case "text":
            return "value", _unescaped(text[1:-1])
        case "raw":
            return "value", text[1:-1]
        case "number":
            return "value", int(text.replace("_", ""))
        case "char":
            inner = _unescaped(text[1:-1])
            if len(inner) != 1:
                raise _Bad(f"malformed character constant: {text} (write double quotes)")
            return "value", ord(inner)
        case "field":
            return "value", _field(text, facts)
    if text in ("true", "false"):
        return "value", text == "true"
    return "word", text


def _field(text: str, facts: KeyFacts) -> Value:
    first, *rest = text[1:].split(".")
    if first == "Environment" and len(rest) == 1:
        return facts.environment.get(rest[0], NO_VALUE)
    if not rest:
        match first:
            case "Branch":
                return facts.branch
            case "BuildNum":
                return facts.build_num
            case "Revision":
                return facts.revision
            case "CheckoutKey":
                return facts.checkout_key
    raise _Bad(
        f"can't evaluate field {text}; known are .Branch, .BuildNum, .Revision, .CheckoutKey and "
        ".Environment.NAME"
    )


def _command(
    command: list[tuple[str, Value]], piped: list[Value], facts: KeyFacts, checksum: Checksum
) -> Value:
    if not command:
        raise _Bad("missing value for command")
    kind, head = command[0]
    arguments = [
        _call(str(value), [], facts, checksum) if sort == "word" else value
        for sort, value in command[1:]
    ] + piped
    if kind == "word":
        return _call(str(head), arguments, facts, checksum)
    if arguments:
        raise _Bad(f"can't give argument to non-function {_printed(head)}")
    return head


def _call(name: str, arguments: list[Value], facts: KeyFacts, checksum: Checksum) -> Value:
    match name, arguments:
        case "checksum", [str(file)]:
            digest = checksum(file)
            if digest is None:
                raise _Bad(
                    f'executing "cacheKey" at <checksum "{file}">: error calling checksum: '
                    f"open {file}: no such file or directory"
                )
            return digest
        case "epoch", []:
            return facts.epoch
        case "arch", []:
            return facts.arch
        case "round", [str(step), int(moment)]:
            return _rounded(step, moment)
        case "print", _:
            return "".join(_printed(value) for value in arguments)
        case "printf", [str(form), *values]:
            return _formatted(form, values)
        case (("checksum" | "epoch" | "arch" | "round" | "printf"), _):
            raise _Bad(f"wrong arguments for {name}")
    raise _Bad(
        f'function "{name}" not defined; known are checksum, epoch, arch, round, print and printf'
    )


def _rounded(step: str, moment: int) -> int:
    """Return the start of the period of length `step` (as `72h`) in which `moment` lies."""
    parts = _DURATION.findall(step)
    seconds = int(sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts))
    if "".join(number + unit for number, unit in parts) != step or seconds < 1:
        raise _Bad(f'error calling round: invalid duration "{step}" (write one as "72h")')
    return moment - moment % seconds


def _formatted(form: str, values: list[Value]) -> str:
    left = iter(values)

    def one(verb: re.Match[str]) -> str:
        if verb[0] == "%%":
            return "%"
        value = next(left, None)
        if value is None:
            return f"%!{verb[0][1]}(MISSING)"
        text = _printed(value)
        return (
            '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if "q" in verb[0] else text
        )

    return _VERB.sub(one, form)


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code is None:
            return _ESCAPES.get(match[4], match[4])
        point = int(code, 16)
        if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
            raise _Bad(f"invalid escape {match[0]}")
        return chr(point)

    return _ESCAPE.sub(one, text)


def _printed(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(tokens: Sequence[_Token]) -> str:
    return "{{ " + " ".join(text for _, text in tokens) + " }}"
