"""Compiled results, kept by the content of everything that went into them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping

from roundel.compiler.orbs import NoOrbs, OrbRefused, OrbSource
from roundel.compiler.passes import Compiled, Options, compile_config
from roundel.domain.plan import Json

_NO_JSON: Mapping[str, Json] = {}


class CompileCache:
    """Compiles, and remembers the latest results.  May be used by several threads at once.

    A result that used orbs is used again only while each of its references still means the same
    text.  Failures are not kept: an orb that was missing may be there next time.
    """

    def __init__(self, size: int = 64) -> None:
        self.size = size
        self._kept: OrderedDict[str, Compiled] = OrderedDict()
        self._lock = threading.Lock()

    def compile(
        self,
        text: str,
        *,
        file: str = ".circleci/config.yml",
        parameters: Mapping[str, Json] | None = None,
        values: Mapping[str, Json] | None = None,
        orbs: OrbSource | None = None,
        options: Options | None = None,
    ) -> Compiled:
        """Return what `compile_config` returns."""
        asked = options or Options()
        key = _key(text, file, parameters or _NO_JSON, values or _NO_JSON, asked)
        source = orbs or NoOrbs()
        with self._lock:
            known = self._kept.get(key)
        if known is not None and _still_valid(known, source):
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
            return known
        made = compile_config(
            text, file=file, parameters=parameters, values=values, orbs=source, options=asked
        )
        if made.plan is not None:
            self._keep(key, made)
        return made

    def _keep(self, key: str, made: Compiled) -> None:
        with self._lock:
            self._kept[key] = made
            self._kept.move_to_end(key)
            while len(self._kept) > self.size:
                self._kept.popitem(last=False)


def _key(
    text: str,
    file: str,
    parameters: Mapping[str, Json],
    values: Mapping[str, Json],
    options: Options,
) -> str:
    parts = json.dumps(
        [
            text,
            file,
            dict(parameters),
            dict(values),
            dict(options.optional),
            options.process,
            options.trace,
        ],
        sort_keys=True,
    )
    return hashlib.sha256(parts.encode()).hexdigest()


def _still_valid(compiled: Compiled, source: OrbSource) -> bool:
    for orb in compiled.orb_lock:
        try:
            found = source.resolve(orb.written)
        except OrbRefused:
            return False
        if found is None or (found.reference, found.digest) != (orb.exact, orb.digest):
            return False
    return True
