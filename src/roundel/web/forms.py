"""Forms as pages show them: with what there is, or as they came and were refused."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from roundel.domain.records import dataclass

# What a refusal begins with, or has in it behind an ellipsis; the field that it is about; and how
# the form calls that field instead.  Empty: the words stay.
Fields: TypeAlias = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What was wrong with a form, and with which of its fields, empty where with none."""

    problem: str
    field: str = ""


def refusal_of(text: str, fields: Fields) -> Refusal:
    """Return a refusal in the words of the form."""
    for words, (field, instead) in fields.items():
        if words.startswith("…") and words[1:] in text:
            return Refusal(problem=text, field=field)
        if text.startswith(words):
            return Refusal(problem=(instead or words) + text[len(words) :], field=field)
    return Refusal(problem=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form.  `sent` is what came with it, None where it is shown anew."""

    sent: Mapping[str, Sequence[str]] | None = None
    problem: str = ""
    wrong: str = ""  # the name of the field at fault

    def value(self, name: str, kept: object = "") -> object:
        """Return what a field holds: `kept`, or what was typed; nothing is shown of None."""
        if self.sent is None:
            return "" if kept is None else kept
        values = self.sent.get(name, ())
        return values[-1] if values else ""

    def holds(self, name: str, value: str, kept: bool = False) -> bool:
        """Tell whether a box is ticked, or a choice made."""
        return kept if self.sent is None else value in self.sent.get(name, ())
