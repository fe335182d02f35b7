"""What a refused form shows: which field is at fault, and whether it is said so that all notice."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from tests.api.client import Answer


@dataclass
class Refused(HTMLParser):
    """A page with a form that was refused."""

    answer: Answer
    marked: list[dict[str, str]] = field(default_factory=list)
    focused: list[str] = field(default_factory=list)  # names
    texts: dict[str, str] = field(default_factory=dict)  # by id, and areas by their name
    values: dict[str, list[str]] = field(default_factory=dict)  # of inputs, by name
    _reading: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.answer.body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name = found.get("name", "")
        if "aria-invalid" in found:
            self.marked.append(found)
        if "autofocus" in found:
            self.focused.append(name)
        if tag == "input":
            self.values.setdefault(name, []).append(found.get("value", ""))
        self._reading = found.get("id", "") or (name if tag == "textarea" else "")

    def handle_data(self, data: str) -> None:
        if self._reading:
            self.texts[self._reading] = self.texts.get(self._reading, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._reading = ""

    @property
    def fault(self) -> str:
        """The name of the field at fault, empty if none is; it must be marked, told and focused."""
        names = {it["name"] for it in self.marked}
        if not names:
            assert not any(it.startswith("wrong-") for it in self.texts)
            return ""
        (name,) = names
        assert self.focused == [name], "the field at fault has the focus, and no other"
        for it in self.marked:
            assert it["aria-describedby"].split()[0] == f"wrong-{name}"
        return name

    @property
    def told(self) -> str:
        """What is said at the field."""
        return self.texts[f"wrong-{self.fault}"]
