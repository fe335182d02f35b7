"""The tokens of expressions, and what is wrong with a text that has none."""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from roundel.compiler.patterns import BadPattern, check_pattern

LONGEST_PATTERN = 256  # characters between the slashes, as CircleCI has it
LARGEST_INTEGER = 2**63 - 1

Value: TypeAlias = object


class Token(NamedTuple):
    """A piece of an expression; `value` is its meaning, `at` its first character."""

    kind: str
    lexeme: str
    at: int
    value: Value = None


class ExpressionError(Exception):
    """What is wrong with an expression: a stable code, words, and the piece that is meant."""

    def __init__(self, code: str, words: str, token: Token) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.lexeme = token.lexeme
        self.at = token.at
        self.token_kind = token.kind

    def shown(self, source: str, shift: int = 0) -> str:
        """Return the message as three lines: words, source, carets.

        Where the source is several lines, only the one that is meant is shown.
        """
        at = self.at + shift
        start = source.rfind("\n", 0, at) + 1
        end = source.find("\n", at)
        line = source[start:] if end < 0 else source[start:end]
        carets = "^" * max(1, min(len(self.lexeme), len(line) - (at - start)))
        return f"{self.words}:\n{line}\n{' ' * (at - start)}{carets}"


_KEYWORDS = {
    "and": "AND",
    "AND": "AND",
    "or": "OR",
    "OR": "OR",
    "not": "NOT",
    "true": "TRUE",
    "false": "FALSE",
    "starts-with": "BUILTIN",
    "contains": "BUILTIN",
    "matches": "BUILTIN",
}
_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*\??")
_NUMBER = re.compile(r"[0-9]+")
_OPERATOR = re.compile(r"==|!=|>=|<=|[()<>!]")
_OPERATORS = {
    "==": "EQUAL_EQUAL",
    "!=": "BANG_EQUAL",
    ">=": "GREATER_EQUAL",
    "<=": "LESS_EQUAL",
    ">": "GREATER",
    "<": "LESS",
    "!": "NOT",
    "(": "LEFT_PAREN",
    ")": "RIGHT_PAREN",
}


def scan(text: str) -> list[Token]:
    """Return the tokens of an expression, ending with EOF; raise ExpressionError."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        if space := _SPACE.match(text, at):
            at = space.end()
            continue
        token = _token(text, at)
        tokens.append(token)
        at += len(token.lexeme)
    tokens.append(Token("EOF", "", len(text)))
    return tokens


def _token(text: str, at: int) -> Token:
    if found := _NAME.match(text, at):
        lexeme = found.group()
        kind = _KEYWORDS.get(lexeme, "IDENTIFIER")
        return Token(kind, lexeme, at, {"TRUE": True, "FALSE": False}.get(kind))
    if found := _NUMBER.match(text, at):
        return _number(found.group(), at)
    char = text[at]
    if char == '"':
        return _string(text, at)
    if char == "/":
        return _pattern(text, at)
    if found := _OPERATOR.match(text, at):
        return Token(_OPERATORS[found.group()], found.group(), at)
    if char == "=":
        next_char = text[at + 1 : at + 2]
        raise ExpressionError(
            "Scanner/INCOMPLETE_EQUALS",
            f"Incomplete token, expected \"==\", found '{next_char}'",
            Token("ERROR", next_char, at + 1),
        )
    raise ExpressionError(
        "Scanner/UNEXPECTED_CHARACTER", f"Unexpected character '{char}'", Token("ERROR", char, at)
    )


def _number(lexeme: str, at: int) -> Token:
    if len(lexeme) > 19 or int(lexeme) > LARGEST_INTEGER:
        raise ExpressionError(
            "Scanner/INVALID_NUMERIC_LITERAL",
            "Invalid numeric literal",
            Token("ERROR", lexeme[0], at),
        )
    return Token("NUMBER", lexeme, at, int(lexeme))


_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\])')


def _string(text: str, at: int) -> Token:
    found = _STRING.match(text, at)
    if found is None:
        raise ExpressionError(
            "Scanner/UNTERMINATED_STRING",
            "Unterminated string starting here",
            Token("ERROR", '"', at),
        )
    return Token("STRING", found.group(), at, _ESCAPE.sub(r"\1", found.group(1)))


class Pattern(str):
    """The text of a `/pattern/` in an expression."""

    __slots__ = ()


_PATTERN = re.compile(r"/((?:[^/\\]|\\.)*)/", re.DOTALL)
_FOREIGN = re.compile(r"[^\x00-\xff]|\\u|\\x\{(?!0*[0-9a-fA-F]{1,2}\})")


def _pattern(text: str, at: int) -> Token:
    found = _PATTERN.match(text, at)
    start = Token("ERROR", "/", at)
    if found is None:
        raise ExpressionError(
            "Scanner/UNTERMINATED_PATTERN", "Unterminated pattern starting here", start
        )
    body = found.group(1)
    if foreign := _FOREIGN.search(body):
        where = Token("ERROR", foreign.group()[0], at + 1 + foreign.start())
        raise ExpressionError(
            "Scanner/INVALID_PATTERN_CHARACTER",
            f"Invalid character in pattern '{where.lexeme}'",
            where,
        )
    if len(body) > LONGEST_PATTERN:
        raise ExpressionError(
            "Scanner/PATTERN_TOO_LONG",
            f"Patterns must be at most {LONGEST_PATTERN} characters",
            start,
        )
    pattern = body.replace("\\/", "/")
    try:
        check_pattern(pattern)
    except BadPattern as error:
        raise ExpressionError(
            "Scanner/INVALID_PATTERN", f"Invalid pattern ({error})", start
        ) from error
    return Token("PATTERN", found.group(), at, Pattern(pattern))
