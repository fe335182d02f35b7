"""Compiling in this process: for the configs of the person who started it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec

from roundel.compiler import (
    Compiled,
    Options,
    OrbRefused,
    ResolvedOrb,
    compile_config,
    render_place,
)
from roundel.domain.orbs import OrbLock
from roundel.domain.pipelines import ErrorType, PipelineError
from roundel.domain.plan import Json, Plan
from roundel.services.compiling import (
    CompileOutcome,
    CompileRequest,
    OrbFound,
    OrbLookup,
    OrbMissing,
    OrbUnusable,
)

ORB_SECONDS = 60.0


class CompilerHere:
    """Implements `services.compiling.Compiler` without a process of its own.

    `values` lie over the pipeline values of every request; `change` is made to every plan.
    """

    def __init__(
        self,
        values: Mapping[str, Json] | None = None,
        change: Callable[[Plan], Plan] = lambda plan: plan,
    ) -> None:
        self._values = dict(values or {})
        self._change = change
        self.last: Compiled | None = None

    async def compile(self, request: CompileRequest) -> CompileOutcome:
        """Compile beside the event loop, which answers questions for orbs meanwhile."""
        loop = asyncio.get_running_loop()
        request = replace(request, values={**request.values, **self._values})
        orbs = _Asking(request.orbs, loop)
        compiled = await asyncio.to_thread(_compile, request, orbs)
        self.last = compiled
        locks = tuple(
            OrbLock(written=orb.written, exact=orb.exact, digest=orb.digest)
            for orb in compiled.orb_lock
        )
        if compiled.plan is None:
            errors = tuple(
                PipelineError(type=ErrorType.CONFIG, message=it.message, where=render_place(it))
                for it in compiled.errors
            )
            return CompileOutcome(output=compiled.output or "", errors=errors, orbs=locks)
        plan = msgspec.json.encode(self._change(compiled.plan)).decode()
        return CompileOutcome(output=compiled.output or "", plan=plan, orbs=locks)

    async def close(self) -> None:
        """Nothing was started for it."""


def _compile(request: CompileRequest, orbs: "_Asking") -> Compiled:
    return compile_config(
        request.text,
        file=request.file,
        parameters=request.parameters,
        values=request.values,
        orbs=orbs,
        options=Options(process=request.process, optional=request.optional),
    )


class _Asking:
    """Implements the compiler's `OrbSource` by asking a lookup that lives on the loop."""

    def __init__(self, lookup: OrbLookup | None, loop: asyncio.AbstractEventLoop) -> None:
        self._lookup = lookup
        self._loop = loop

    def resolve(self, reference: str) -> ResolvedOrb | None:
        if self._lookup is None:
            return None
        asked = asyncio.run_coroutine_threadsafe(_found(self._lookup, reference), self._loop)
        found = asked.result(ORB_SECONDS)
        match found:
            case OrbFound():
                return ResolvedOrb(reference=found.reference, text=found.text, digest=found.digest)
            case OrbUnusable():
                raise OrbRefused(found.message)
            case _:
                return None


async def _found(lookup: OrbLookup, reference: str) -> OrbFound | OrbMissing | OrbUnusable:
    return await lookup.find(reference)
