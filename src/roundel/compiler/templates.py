"""Templates `<< … >>` in a text: tags, sections and escapes.

A template is parsed once per text and filled as often as it is used.  What it is filled with is
never scanned again.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

from roundel.compiler.expressions import (
    Expression,
    Lookup,
    Name,
    UnknownName,
    evaluate,
    names_in,
    parse,
    truthy,
)
from roundel.compiler.scanning import ExpressionError, Token, Value
from roundel.compiler.tree import text_of
from roundel.domain.records import dataclass

LONGEST_TAG = 2_048  # characters between `<<` and `>>`
DEEPEST_SECTIONS = 50


class TemplateError(Exception):
    """What is wrong with a template.

    `at` is the first character that is meant; where only a tag's text is known, `source` has it.
    """

    def __init__(self, code: str, message: str, at: int, source: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at
        self.source = source

    def position(self, text: str) -> int:
        """Return the first character that is meant in the template's text."""
        return self.at if self.source is None else max(text.find(self.source), 0)


@dataclass(frozen=True, slots=True)
class Tag:
    """`<< expression >>`; `source` is its text with the brackets."""

    expression: Expression
    source: str


@dataclass(frozen=True, slots=True)
class Section:
    """`<<# name >> … <</ name >>`, or with `^` for the opposite."""

    name: str
    inverted: bool
    parts: tuple[Part, ...]
    source: str


Part: TypeAlias = str | Tag | Section


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text.  `only` is its tag if the text is one tag and nothing else."""

    parts: tuple[Part, ...]
    only: Tag | None


# `<<'EOF'` begins a quoted here-document.  No tag can begin with a single quote, so it is left
# alone; CircleCI wants it escaped too, and configs that escape it mean the same here.
_OPENING = re.compile(r"\\\\(?=<<)|\\<<|<<(?!-?'[A-Za-z_]\w*')[#^/]?")
_NAME_LIKE = re.compile(r"[A-Za-z]\S*\Z")
_SECTION_NAME = re.compile(r"[\w-]+(?:\.\S+)*\Z")


@lru_cache(maxsize=8192)
def parse_template(text: str) -> Template:
    """Return the template of a text; raise TemplateError."""
    # One entry per open section, the text itself first.
    open_parts: list[list[Part]] = [[]]
    open_sections: list[tuple[str, bool, int, str]] = []
    at = 0
    while found := _OPENING.search(text, at):
        if found.start() > at:
            open_parts[-1].append(text[at : found.start()])
        opening = found.group()
        if opening == "\\\\":
            open_parts[-1].append("\\")
            at = found.end()
            continue
        if opening == "\\<<":
            open_parts[-1].append("<<")
            at = found.end()
            continue
        body, end = _body(text, found.start(), found.end())
        source = text[found.start() : end]
        at = end
        if opening == "<<":
            open_parts[-1].append(_tag(body, source, found.end()))
            continue
        name = _section_name(body, found.end())
        if opening != "<</":
            if len(open_sections) >= DEEPEST_SECTIONS:
                raise TemplateError(
                    "template-section", "Sections are nested too deeply", found.start()
                )
            open_sections.append((name, opening == "<<^", found.start(), source))
            open_parts.append([])
            continue
        if not open_sections or open_sections[-1][0] != name:
            raise TemplateError(
                "template-section",
                "Expected section end tag to match start tag",
                found.start(),
            )
        name, inverted, _, source = open_sections.pop()
        inner = tuple(open_parts.pop())
        open_parts[-1].append(Section(name, inverted, inner, source))
    if open_sections:
        raise TemplateError(
            "template-section", "Unclosed section, expected '<</'", open_sections[-1][2]
        )
    if at < len(text):
        open_parts[0].append(text[at:])
    parts = tuple(open_parts[0])
    only = parts[0] if len(parts) == 1 and isinstance(parts[0], Tag) else None
    return Template(parts, only)


def _body(text: str, start: int, after: int) -> tuple[str, int]:
    """Return what stands in a tag, and the index after its end."""
    end = text.find(">>", after)
    if end < 0 or text.find("<<", after, end) >= 0:
        # A second `<<` before the end means that this one was never meant as a tag.
        raise TemplateError(
            "template-unclosed",
            "Unclosed '<<' tag ('<<' must be escaped as '\\<<' in config v2.1+)",
            start,
        )
    body = text[after:end]
    if len(body) > LONGEST_TAG:
        raise TemplateError(
            "template-too-long", f"Expressions must be less than {LONGEST_TAG} characters", after
        )
    return body, end + 2


def _tag(body: str, source: str, after: int) -> Tag:
    if not body:
        raise TemplateError("template-empty", "Expected expression after '<<'", after - 2)
    name = body.strip()
    if not name:
        raise TemplateError("template-empty", "Expected expression", after)
    try:
        return Tag(parse(body), source)
    except ExpressionError as error:
        if error.code.startswith("Scanner/") and _NAME_LIKE.match(name):
            # Old parameter names may have characters that an expression has no use for.
            return Tag(Name(Token("IDENTIFIER", name, body.index(name))), source)
        # An expression that ends too early is wrong as a whole.
        at = after if not error.lexeme else after + error.at
        raise TemplateError("template-expression", error.shown(source, 2), at) from error


def _section_name(body: str, after: int) -> str:
    name = body.strip()
    if not name:
        raise TemplateError("template-section", "Expected identifier", after)
    if _SECTION_NAME.match(name) is None:
        raise TemplateError("template-section", "Expected valid identifier", after)
    return name


def fill(template: Template, lookup: Lookup) -> Value:
    """Return the value of a template: typed if it is one tag, else text."""
    if template.only is not None:
        return _value(template.only, lookup)
    if len(template.parts) == 1 and isinstance(template.parts[0], str):
        return template.parts[0]
    return _joined(template.parts, lookup)


def _joined(parts: tuple[Part, ...], lookup: Lookup) -> str:
    pieces: list[str] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(part)
        elif isinstance(part, Tag):
            pieces.append(_embedded(_value(part, lookup), part))
        elif _section_holds(part, lookup):
            pieces.append(_joined(part.parts, lookup))
    return "".join(pieces)


def _value(tag: Tag, lookup: Lookup) -> Value:
    try:
        return evaluate(tag.expression, lookup)
    except ExpressionError as error:
        cause = error.__cause__
        if isinstance(cause, UnknownName) and cause.words is not None:
            raise TemplateError("unknown-argument", cause.words, 0, tag.source) from error
        code = "unknown-variable" if isinstance(cause, UnknownName) else "template-expression"
        raise TemplateError(code, error.shown(tag.source, 2), 0, tag.source) from error


def _embedded(value: Value, tag: Tag) -> str:
    named = getattr(value, "as_text", None)
    if isinstance(named, str):
        return named
    if value is None or isinstance(value, (str, bool, int, float)):
        return text_of(value)
    raise TemplateError(
        "template-embedded",
        f"{tag.source.strip()} is not a simple value and cannot be part of a text",
        0,
        tag.source,
    )


def _section_holds(section: Section, lookup: Lookup) -> bool:
    try:
        value = lookup(section.name)
    except UnknownName as unknown:
        words = unknown.words or f'Referred to a variable "{unknown.name}" that does not exist'
        raise TemplateError(
            "unknown-variable", f"{words}:\n{section.source}", 0, section.source
        ) from unknown
    return section_truth(value) is not section.inverted


def section_truth(value: Value) -> bool:
    """Return whether a section's text is kept.

    Sections are older than expressions and come from old orbs, which test empty strings and
    empty step lists with them: they count as false.
    """
    return truthy(value) and value != "" and value != [] and bool(getattr(value, "count", True))


def names_of(text: str) -> list[str]:
    """Return the names that a text's templates refer to; none if it is not a template."""
    if "<<" not in text:
        return []
    try:
        template = parse_template(text)
    except TemplateError:
        return []
    names: list[str] = []
    waiting: list[Part] = list(template.parts)
    while waiting:
        part = waiting.pop(0)
        if isinstance(part, Tag):
            names += names_in(part.expression)
        elif isinstance(part, Section):
            names.append(part.name)
            waiting = [*part.parts, *waiting]
    return names
