"""The expression language of tags, workflow conditions, filters and context restrictions.

An expression is scanned whole, then parsed, then evaluated against named values.  Only `false` and
undefined (None) are falsy here; logic statements have other rules (`logic.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from roundel.compiler.patterns import matches_whole
from roundel.compiler.scanning import ExpressionError, Pattern, Token, Value, scan
from roundel.domain.records import dataclass

DEEPEST_EXPRESSION = 60  # parentheses and `not`s; more is no honest expression

Lookup: TypeAlias = Callable[[str], Value]


class UnknownName(Exception):
    """A lookup knows no such name.  `words` replaces the usual message when given."""

    def __init__(self, name: str, words: str | None = None) -> None:
        super().__init__(name)
        self.name = name
        self.words = words


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the text."""

    value: Value


@dataclass(frozen=True, slots=True)
class Name:
    """A named value."""

    token: Token


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two operands."""

    operator: Token
    left: Expression
    right: Expression


Expression: TypeAlias = Literal | Name | Not | Binary


@lru_cache(maxsize=2048)
def parse(text: str) -> Expression:
    """Return the expression that a text is; raise ExpressionError."""
    return _Parser(scan(text)).whole()


_EQUALITY = frozenset({"EQUAL_EQUAL", "BANG_EQUAL", "BUILTIN"})
_ORDER = frozenset({"GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"})
_LITERALS = frozenset({"NUMBER", "STRING", "PATTERN", "TRUE", "FALSE"})
_OPERAND = _LITERALS | {"IDENTIFIER", "LEFT_PAREN", "NOT"}


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    def whole(self) -> Expression:
        """Return the expression that all tokens make; raise ExpressionError if some are left."""
        made = self._or()
        token = self.tokens[self.at]
        if token.kind != "EOF":
            raise ExpressionError(
                "Parser/UNEXPECTED_ADDITIONAL_INPUT",
                f'Unexpected additional input, found "{token.lexeme}", expected EOF',
                token,
            )
        return made

    def _next(self, kinds: frozenset[str] | set[str]) -> Token | None:
        token = self.tokens[self.at]
        if token.kind not in kinds:
            return None
        self.at += 1
        return token

    def _or(self) -> Expression:
        left = self._and()
        while token := self._next({"OR"}):
            left = Binary(token, left, self._and())
        return left

    def _and(self) -> Expression:
        left = self._equality()
        while token := self._next({"AND"}):
            left = Binary(token, left, self._equality())
        return left

    def _equality(self) -> Expression:
        left = self._comparison()
        while True:
            if token := self._next(_EQUALITY):
                left = Binary(token, left, self._comparison())
                continue
            token = self.tokens[self.at]
            # A word between two operands was meant as an operator.
            if token.kind == "IDENTIFIER" and self.tokens[self.at + 1].kind in _OPERAND:
                raise ExpressionError(
                    "Parser/UNKNOWN_BUILTIN_FUNCTION", f'Unknown function "{token.lexeme}"', token
                )
            return left

    def _comparison(self) -> Expression:
        left = self._unary()
        while token := self._next(_ORDER):
            left = Binary(token, left, self._unary())
        return left

    def _unary(self) -> Expression:
        negations = 0
        while self._next({"NOT"}):
            negations += 1
        made = self._primary()
        if negations == 0:
            return made
        made = Not(made)
        return made if negations % 2 else Not(made)

    def _primary(self) -> Expression:
        token = self.tokens[self.at]
        self.at += 1
        if token.kind in _LITERALS:
            return Literal(token.value)
        if token.kind == "IDENTIFIER":
            return Name(token)
        if token.kind == "LEFT_PAREN":
            return self._group(token)
        words = "Expected expression"
        if token.lexeme:
            words += f', found "{token.lexeme}"'
        raise ExpressionError("Parser/EXPECTED_EXPRESSION", words, token)

    def _group(self, opening: Token) -> Expression:
        self.depth += 1
        if self.depth > DEEPEST_EXPRESSION:
            raise ExpressionError(
                "Parser/TOO_DEEP", "Expressions are nested too deeply here", opening
            )
        made = self._or()
        self.depth -= 1
        if self._next({"RIGHT_PAREN"}) is None:
            token = self.tokens[self.at]
            raise ExpressionError(
                "Parser/EXPECTED_RIGHT_PAREN", "Expected ')' after expression", token
            )
        return made


def truthy(value: Value) -> bool:
    """Return the truth of a value in an expression: only false and undefined are false."""
    return value is not None and value is not False


def evaluate(expression: Expression, lookup: Lookup) -> Value:
    """Return the value of an expression; None is undefined.  Raise ExpressionError."""
    if isinstance(expression, Literal):
        return expression.value
    if isinstance(expression, Name):
        return _named(expression.token, lookup)
    if isinstance(expression, Not):
        return not truthy(evaluate(expression.operand, lookup))
    # Long chains of `and` and `or` lean to the left, so walking down needs no recursion there.
    chain: list[Binary] = []
    first: Expression = expression
    while isinstance(first, Binary):
        chain.append(first)
        first = first.left
    value = evaluate(first, lookup)
    for link in reversed(chain):
        kind = link.operator.kind
        if kind == "AND":
            value = evaluate(link.right, lookup) if truthy(value) else value
        elif kind == "OR":
            value = value if truthy(value) else evaluate(link.right, lookup)
        else:
            value = _compared(link.operator, value, evaluate(link.right, lookup))
    return value


def _named(token: Token, lookup: Lookup) -> Value:
    try:
        return lookup(token.lexeme)
    except UnknownName as unknown:
        words = unknown.words or f'Referred to a variable "{token.lexeme}" that does not exist'
        raise ExpressionError("Interpreter/UNKNOWN_VARIABLE", words, token) from unknown


def _compared(operator: Token, left: Value, right: Value) -> Value:
    kind = operator.kind
    if kind == "BUILTIN":
        return _text_operator(operator, left, right)
    if kind in _ORDER:
        return _order(operator, left, right)
    if left is None or right is None:
        return None
    same = same_value(left, right)
    return same if kind == "EQUAL_EQUAL" else not same


def same_value(left: Value, right: Value) -> bool:
    """Tell whether two values are equal in type and value."""
    left = getattr(left, "as_text", left)
    right = getattr(right, "as_text", right)
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _order(operator: Token, left: Value, right: Value) -> bool | None:
    for value in (left, right):
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise ExpressionError(
                "Interpreter/EXPECTED_NUMERIC_OPERAND",
                f'Expected numeric operands to "{operator.lexeme}" operator',
                operator,
            )
    if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        return None
    if operator.kind == "GREATER":
        return left > right
    if operator.kind == "GREATER_EQUAL":
        return left >= right
    return left < right if operator.kind == "LESS" else left <= right


def _text_operator(operator: Token, left: Value, right: Value) -> bool | None:
    left = getattr(left, "as_text", left)
    right = getattr(right, "as_text", right)
    if operator.lexeme == "matches":
        return _matches(operator, left, right)
    for value in (left, right):
        if value is not None and (not isinstance(value, str) or isinstance(value, Pattern)):
            raise _not_text(operator)
    if not isinstance(left, str) or not isinstance(right, str):
        return None
    return left.startswith(right) if operator.lexeme == "starts-with" else right in left


def _matches(operator: Token, left: Value, right: Value) -> bool | None:
    if right is not None and not isinstance(right, Pattern):
        raise ExpressionError(
            "Interpreter/EXPECTED_PATTERN_OPERAND",
            'Expected the right operand to "matches" operator to be a pattern',
            operator,
        )
    if left is not None and (not isinstance(left, str) or isinstance(left, Pattern)):
        raise _not_text(operator)
    if left is None or right is None:
        return None
    return matches_whole(right, left)


def _not_text(operator: Token) -> ExpressionError:
    return ExpressionError(
        "Interpreter/EXPECTED_STRING_OPERAND",
        f'Expected string operands to "{operator.lexeme}" operator',
        operator,
    )


def names_in(expression: Expression) -> list[str]:
    """Return the names that an expression refers to, in order."""
    names: list[str] = []
    waiting: list[Expression] = [expression]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Name):
            names.append(part.token.lexeme)
        elif isinstance(part, Not):
            waiting.append(part.operand)
        elif isinstance(part, Binary):
            waiting += (part.right, part.left)
    return names
