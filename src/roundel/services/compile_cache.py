"""Compiled results, kept by the content of everything that went into them."""

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from roundel.domain.plan import Json
from roundel.domain.records import dataclass
from roundel.services.compiling import (
    CompileOutcome,
    Compiler,
    CompileRequest,
    OrbFound,
    OrbLookup,
    OrbMissing,
    OrbUnusable,
)

MOST_RESULTS = 256
MOST_CHARACTERS = 64_000_000  # of all results together

# Filters look at these without naming them.
_ALWAYS = frozenset({"pipeline.git.branch", "pipeline.git.tag"})
# Escapes of YAML in which a name could hide.
_HIDING = re.compile(r"\\[uUx\n\r]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A result, the values that it depends on, and under which names values were given."""

    outcome: CompileOutcome
    names: frozenset[str]
    values: Mapping[str, Json]

    @property
    def size(self) -> int:
        return len(self.outcome.output) + len(self.outcome.plan or "")

    def is_for(self, values: Mapping[str, Json]) -> bool:
        return self.names == values.keys() and all(
            values[name] == value and type(values[name]) is type(value)
            for name, value in self.values.items()
        )


class CachedCompiler:
    """Implements `services.compiling.Compiler` over another one.

    A pipeline's number, id and time differ each time, so of the pipeline values only those count
    that a text mentions.  A result that used orbs is used again only while each of its references
    still means the same text.  Failures are not kept: what was missing may be there next time.
    """

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._characters = 0

    async def compile(self, request: CompileRequest) -> CompileOutcome:
        """Return the outcome, kept or new."""
        key = _key_of(request)
        for known in [key, *(f"{key}.{n}" for n in range(1, _VARIANTS))]:
            kept = self._kept.get(known)
            if kept is None or not kept.is_for(request.values):
                continue
            if await _means_the_same(kept.outcome, request.orbs):
                if known in self._kept:
                    self._kept.move_to_end(known)
                return kept.outcome
        recorder = _Recorder(request.orbs)
        outcome = await self._compiler.compile(replace(request, orbs=recorder))
        if outcome.plan is not None and not outcome.errors:
            self._keep(key, request, recorder.texts, outcome)
        return outcome

    async def close(self) -> None:
        """End what was started for it; may be called twice."""
        await self._compiler.close()

    def _keep(
        self, key: str, request: CompileRequest, orbs: Iterable[str], outcome: CompileOutcome
    ) -> None:
        given = [dict(request.parameters), dict(request.optional)]
        texts = [request.text, json.dumps(given), *orbs]
        names = _mentioned(texts, request.values)
        kept = _Kept(
            outcome=outcome,
            names=frozenset(request.values),
            values={name: request.values[name] for name in names},
        )
        self._put(self._place_for(key), kept)

    def _place_for(self, key: str) -> str:
        """Return a free place for another variant of a text, or that of the oldest."""
        places = [key, *(f"{key}.{n}" for n in range(1, _VARIANTS))]
        for place in places:
            if place not in self._kept:
                return place
        return next(place for place in self._kept if place in set(places))

    def _put(self, place: str, kept: _Kept) -> None:
        before = self._kept.pop(place, None)
        if before is not None:
            self._characters -= before.size
        self._kept[place] = kept
        self._characters += kept.size
        while self._kept and (len(self._kept) > MOST_RESULTS or self._characters > MOST_CHARACTERS):
            _, dropped = self._kept.popitem(last=False)
            self._characters -= dropped.size


_VARIANTS = 4  # results of one text kept at once: branches and tags, mostly


@dataclass(slots=True)
class _Recorder:
    """Passes questions for orbs on, and remembers the texts that were given."""

    lookup: OrbLookup | None
    texts: list[str] = field(default_factory=list)

    async def find(self, reference: str) -> OrbFound | OrbMissing | OrbUnusable:
        if self.lookup is None:
            return OrbMissing()
        found = await self.lookup.find(reference)
        if isinstance(found, OrbFound):
            self.texts.append(found.text)
        return found


def _key_of(request: CompileRequest) -> str:
    given = [dict(request.parameters), dict(request.optional)]
    parts = json.dumps(
        [request.text, request.file, given, request.process, request.scope], sort_keys=True
    )
    return hashlib.sha256(parts.encode()).hexdigest()


def _mentioned(texts: Iterable[str], values: Mapping[str, Json]) -> set[str]:
    """Return the values on which the result can depend, rather too many than too few."""
    texts = list(texts)
    if any(_HIDING.search(text) is not None for text in texts):
        return set(values)
    found = set(_ALWAYS & values.keys())
    for name in values.keys() - found:
        last = name.rpartition(".")[2]
        if any(last in text for text in texts):
            found.add(name)
    return found


async def _means_the_same(outcome: CompileOutcome, lookup: OrbLookup | None) -> bool:
    for lock in outcome.orbs:
        found = OrbMissing() if lookup is None else await lookup.find(lock.written)
        if not isinstance(found, OrbFound):
            return False
        if (found.reference, found.digest) != (lock.exact, lock.digest):
            return False
    return True
