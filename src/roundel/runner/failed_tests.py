"""Which of the names given to `circleci tests run` stand for tests that failed before.

Reports name tests by file, class and name; what is given may be any of these, or files whose names
the classes follow (`tests/test_a.py` and `tests.test_a.TestIt`, `src/…/com/acme/FooTest.java` and
`com.acme.FooTest`).  A test that none of the names stands for must not be left out silently: then
all of them are taken.
"""

from collections.abc import Iterator, Sequence

from roundel.domain.storage import FailedTest
from roundel.runner.splitting import Share

SHOWN = 5


def only_failed(items: Sequence[str], failed: Sequence[FailedTest] | None) -> Share:
    """Return the items in which something failed, in their order, and what to tell.

    With None, which is any run but a rerun of failed tests, all of them.
    """
    if failed is None:
        return Share(items=tuple(items))
    names = _Names(items)
    chosen: set[str] = set()
    missing = []
    for test in failed:
        found = names.of(test)
        chosen.update(found)
        if not found:
            missing.append(test)
    if missing:
        shown = ", ".join(test.file or test.classname or test.name for test in missing[:SHOWN])
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        note = f"Tests that failed are in none of the names given ({shown}{more}): all are run."
        return Share(items=tuple(items), notes=(note,))
    note = f"Rerun of failed tests: {len(chosen)} of {len(items)} names."
    return Share(items=tuple(item for item in items if item in chosen), notes=(note,))


class _Names:
    """The names given, to be looked up in several ways."""

    def __init__(self, items: Sequence[str]) -> None:
        self._paths = {_plain(item): item for item in items}
        self._dotted = {_dotted(item): item for item in items}
        self._by_last: dict[str, list[str]] = {}
        for dotted in self._dotted:
            self._by_last.setdefault(dotted.rpartition(".")[2], []).append(dotted)

    def of(self, test: FailedTest) -> list[str]:
        """Return the names that stand for a test: the first way that finds any counts."""
        if test.file and (found := self._file(_plain(test.file))):
            return found
        for name in (test.classname, test.name):
            if name in self._paths:
                return [self._paths[name]]
        for beginning in _beginnings(test.classname):
            if beginning in self._dotted:
                return [self._dotted[beginning]]
            last = beginning.rpartition(".")[2]
            found = [
                self._dotted[dotted]
                for dotted in self._by_last.get(last, ())
                if dotted.endswith("." + beginning)
            ]
            if found:
                return found
        return []

    def _file(self, file: str) -> list[str]:
        """Find a file, which a report may name from another folder on."""
        parts = file.split("/")
        for first in range(len(parts)):
            if (path := "/".join(parts[first:])) in self._paths:
                return [self._paths[path]]
        return [item for path, item in self._paths.items() if path.endswith("/" + file)]


def _plain(path: str) -> str:
    return path.removeprefix("./")


def _dotted(path: str) -> str:
    folder, slash, name = _plain(path).rpartition("/")
    if slash:
        name = name.rpartition(".")[0] or name
        return f"{folder.replace('/', '.')}.{name}"
    stem, _, ending = name.rpartition(".")
    # Alone, `test_a.py` is a file and `com.FooTest` is a class.
    return stem if stem and ending.islower() and len(ending) <= 4 and "." not in stem else name


def _beginnings(classname: str) -> Iterator[str]:
    """Yield the class, and what it may be in: `a.b.C`, `a.b`, `a`."""
    while classname:
        yield classname
        classname = classname.rpartition(".")[0]
