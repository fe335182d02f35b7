"""`dataclass`, as the standard library has it, whose methods are made when they are first called.

Making a class is most of what importing the module of a noun costs, and most of that is compiling
the source of its methods; a command that lives for a tenth of a second calls few of them.  Fields,
defaults and `__match_args__` are the standard library's own work, so `fields` and `replace` know
these classes.  Not offered: `InitVar`, and a frozen subclass that the standard library decorates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # To a type checker it is that decorator.
    from dataclasses import dataclass as dataclass
else:
    import dataclasses
    from dataclasses import MISSING, FrozenInstanceError, fields
    from reprlib import recursive_repr

    def dataclass(cls=None, /, *, frozen=False, slots=False, kw_only=False):
        """Return the class with the methods of a data class; without `cls`, its decorator."""

        def decorate(bare):
            # For a class without a text the standard library would write its signature there, for
            # which it loads, compiles and runs a parser of Python.
            bare.__doc__ = bare.__doc__ or bare.__name__
            known = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(bare)
            own = dict(known.__dict__)
            later = [_Later(name, frozen) for name in ("__init__", "__eq__", "__hash__")]
            methods = {**(_FROZEN if frozen else _METHODS), **{it.name: it for it in later}}
            if not frozen:
                methods["__hash__"] = None
            missing = {name: it for name, it in methods.items() if own.get(name) is None}
            made = _slotted(known, own | missing) if slots else _completed(known, missing)
            for it in later:
                it.cls = made
            return made

        return decorate if cls is None else decorate(cls)

    def _completed(cls: type, methods: dict[str, Any]) -> type:
        for name, method in methods.items():
            setattr(cls, name, method)
        return cls

    def _slotted(cls: type, content: dict[str, Any]) -> type:
        """Return the class anew with its fields as slots, which only a new class can have."""
        names = [f.name for f in fields(cls)]
        above = {name for base in cls.__mro__[1:] for name in getattr(base, "__slots__", ())}
        for name in (*names, "__dict__", "__weakref__"):
            content.pop(name, None)
        content["__slots__"] = tuple(name for name in names if name not in above)
        made = type(cls)(cls.__name__, cls.__bases__, content)
        made.__qualname__ = cls.__qualname__
        return made

    class _Later:
        """Stands for a method until somebody asks for it, then puts the real one in its place."""

        cls: type

        def __init__(self, name: str, frozen: bool) -> None:
            self.name = name
            self._frozen = frozen

        def __get__(self, instance, owner):
            method = _made(self.cls, self.name, self._frozen)
            setattr(self.cls, self.name, method)
            return method.__get__(instance, owner)

    def _made(cls: type, name: str, frozen: bool):
        """Compile a method of a class."""
        known = {"MISSING": MISSING, "put": object.__setattr__}
        for f in fields(cls):
            known |= {f"default_{f.name}": f.default, f"make_{f.name}": f.default_factory}
        source = _initializer(cls, frozen) if name == "__init__" else _comparing(cls, name)
        exec(source, known)  # noqa: S102 - names of fields, as the standard library does it
        method = known[name]
        method.__module__ = cls.__module__
        method.__qualname__ = f"{cls.__qualname__}.{name}"
        if name == "__init__":
            types = {f.name: f.type for f in fields(cls) if f.init}
            method.__annotations__ = {**types, "return": None}
        return method

    def _initializer(cls: type, frozen: bool) -> str:
        """Return the source of the function that sets the fields of a new object."""
        by_place = [_parameter(f) for f in fields(cls) if f.init and not f.kw_only]
        by_name = [_parameter(f) for f in fields(cls) if f.init and f.kw_only]
        parameters = ["self", *by_place, *(["*", *by_name] if by_name else ())]
        put = "put(self, {0!r}, {1})" if frozen else "self.{0} = {1}"
        body = [put.format(f.name, _value(f)) for f in fields(cls) if _is_set(f)]
        if hasattr(cls, "__post_init__"):
            body.append("self.__post_init__()")
        return f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body or ["pass"])

    def _parameter(field) -> str:
        if field.default_factory is not MISSING:
            return f"{field.name}=MISSING"
        return field.name if field.default is MISSING else f"{field.name}=default_{field.name}"

    def _is_set(field) -> bool:
        has_default = (field.default, field.default_factory) != (MISSING, MISSING)
        return field.init or has_default

    def _value(field) -> str:
        made = f"make_{field.name}()"
        if field.default_factory is MISSING:
            return field.name if field.init else f"default_{field.name}"
        return f"{made} if {field.name} is MISSING else {field.name}" if field.init else made

    def _comparing(cls: type, name: str) -> str:
        """Return the source of `__eq__` or `__hash__`."""
        names = [f.name for f in fields(cls) if f.compare]
        mine, others = ("".join(f"{it}.{n}, " for n in names) for it in ("self", "other"))
        if name == "__hash__":
            return f"def __hash__(self):\n return hash(({mine}))"
        return (
            "def __eq__(self, other):\n"
            " if other.__class__ is not self.__class__:\n  return NotImplemented\n"
            f" return ({mine}) == ({others})"
        )

    @recursive_repr()
    def _repr(self):
        shown = (f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr)
        return f"{self.__class__.__qualname__}({', '.join(shown)})"

    def _refuse_set(self, name, value):  # noqa: ARG001 - as Python calls it
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _refuse_delete(self, name):  # noqa: ARG001 - as Python calls it
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _state(self):
        return [getattr(self, f.name) for f in fields(self)]

    def _restore(self, state):
        for f, value in zip(fields(self), state, strict=True):
            object.__setattr__(self, f.name, value)

    _METHODS: dict[str, Any] = {"__repr__": _repr}
    _FROZEN: dict[str, Any] = {
        "__repr__": _repr,
        "__setattr__": _refuse_set,
        "__delattr__": _refuse_delete,
        "__getstate__": _state,
        "__setstate__": _restore,
    }
