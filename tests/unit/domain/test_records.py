"""Records are data classes: whatever the standard library's would do, they do."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from roundel.domain import records

Decorator = Callable[..., Any]


def stdlib(**options: bool) -> Decorator:
    return dataclasses.dataclass(**options)


def ours(**options: bool) -> Decorator:
    return records.dataclass(**options)


def family(dataclass: Decorator) -> dict[str, type]:
    """Return the same classes as another decorator makes them."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Frozen:
        """Doc."""

        name: str
        sizes: tuple[int, ...] = ()
        notes: list[str] = dataclasses.field(default_factory=list, compare=False)
        secret: str = dataclasses.field(default="", repr=False)

    @dataclass(frozen=True, slots=True)
    class Placed:
        """Doc."""

        first: int
        second: int = 2

    @dataclass(slots=True)
    class Open:
        """Doc."""

        count: int = 0
        seen: dict[str, int] = dataclasses.field(default_factory=dict)
        total: int = dataclasses.field(default=7, init=False)
        names: set[str] = dataclasses.field(default_factory=set, init=False)

        def __post_init__(self) -> None:
            self.total += self.count

    @dataclass(frozen=True, slots=True)
    class Nothing:
        """Doc."""

    @dataclass(frozen=True, slots=True)
    class Own:
        """Doc."""

        value: int

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 5

    return {cls.__name__: cls for cls in (Frozen, Placed, Open, Nothing, Own)}


OURS, STDLIB = family(ours), family(stdlib)
CALLS = [
    ("Frozen", (), {"name": "a"}),
    ("Frozen", (), {"name": "a", "sizes": (1,), "notes": ["x"], "secret": "s"}),
    ("Placed", (1,), {}),
    ("Placed", (1,), {"second": 3}),
    ("Open", (4,), {}),
    ("Open", (), {"seen": {"a": 1}}),
    ("Nothing", (), {}),
    ("Own", (1,), {}),
]


@pytest.mark.parametrize(("name", "places", "names"), CALLS)
def test_an_object_shows_compares_and_hashes_as_one_of_the_standard_librarys(
    name: str, places: tuple[Any, ...], names: dict[str, Any]
) -> None:
    of_ours, of_stdlib = (kind[name](*places, **names) for kind in (OURS, STDLIB))
    assert repr(of_ours) == repr(of_stdlib)
    assert dataclasses.asdict(of_ours) == dataclasses.asdict(of_stdlib)
    assert of_ours == OURS[name](*places, **names)
    assert (of_ours.__hash__ is None) == (of_stdlib.__hash__ is None)
    if of_stdlib.__hash__ is not None:
        assert hash(of_ours) == hash(of_stdlib)
        assert {of_ours} == {OURS[name](*places, **names)}


@pytest.mark.parametrize("name", OURS)
def test_a_class_has_the_same_signature_slots_and_fields(name: str) -> None:
    of_ours, of_stdlib = OURS[name], STDLIB[name]
    assert list(inspect.signature(of_ours).parameters) == list(
        inspect.signature(of_stdlib).parameters
    )
    for attribute in ("__slots__", "__match_args__", "__doc__", "__qualname__"):
        assert getattr(of_ours, attribute) == getattr(of_stdlib, attribute)
    assert [f.name for f in dataclasses.fields(of_ours)] == [
        f.name for f in dataclasses.fields(of_stdlib)
    ]


@pytest.mark.parametrize(
    ("name", "places", "names"),
    [("Frozen", (), {}), ("Frozen", ("a",), {}), ("Placed", (1, 2, 3), {}), ("Nothing", (1,), {})],
)
def test_a_wrong_call_is_refused_with_the_same_words(
    name: str, places: tuple[Any, ...], names: dict[str, Any]
) -> None:
    said = []
    for kind in (OURS, STDLIB):
        with pytest.raises(TypeError) as refused:
            kind[name](*places, **names)
        said.append(str(refused.value).rpartition("__init__")[2])
    assert said[0] == said[1]


def test_defaults_are_made_for_each_object() -> None:
    first, second = OURS["Frozen"](name="a"), OURS["Frozen"](name="a")
    first.notes.append("x")
    assert second.notes == []


def test_fields_that_do_not_compare_make_no_difference() -> None:
    assert OURS["Frozen"](name="a", notes=["x"]) == OURS["Frozen"](name="a")
    assert OURS["Frozen"](name="a") != OURS["Frozen"](name="b")
    assert OURS["Placed"](1) != STDLIB["Placed"](1)


def test_a_frozen_object_is_not_changed() -> None:
    value = OURS["Placed"](1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'first'"):
        value.first = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'first'"):
        del value.first
    assert dataclasses.replace(value, second=5) == OURS["Placed"](1, 5)
    assert value == OURS["Placed"](1)


@records.dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What goes to another process."""

    name: str
    parts: tuple[int, ...] = ()


def test_a_frozen_object_is_copied_and_goes_to_other_processes() -> None:
    sent = Sent(name="a", parts=(1, 2))
    assert pickle.loads(pickle.dumps(sent)) == sent  # noqa: S301 - ours
    assert copy.deepcopy(sent) == sent
    assert copy.copy(sent) == sent


def test_a_subclass_has_the_fields_of_its_base_first() -> None:
    @records.dataclass(frozen=True, slots=True, kw_only=True)
    class More(Sent):
        """One field more."""

        size: int = 1

    class Plain(More):
        pass

    assert repr(More(name="a")).endswith("More(name='a', parts=(), size=1)")
    assert Plain(name="a").size == 1
    assert More(name="a") != Sent(name="a")
