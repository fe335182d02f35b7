"""The real compiler in the test's own process, where the worker's start would take its time."""

import msgspec

from roundel.compiler import Options, compile_config
from roundel.domain.pipelines import ErrorType, PipelineError
from roundel.services.compiling import CompileOutcome, CompileRequest


class InlineCompiler:
    """Implements `services.compiling.Compiler`."""

    async def compile(self, request: CompileRequest) -> CompileOutcome:
        compiled = compile_config(
            request.text,
            file=request.file,
            parameters=request.parameters,
            values=request.values,
            options=Options(process=request.process, optional=request.optional),
        )
        lines = [line for problem in compiled.errors for line in problem.lines]
        plan = None if compiled.plan is None else msgspec.json.encode(compiled.plan).decode()
        return CompileOutcome(
            output=compiled.output or "",
            plan=plan,
            errors=tuple(PipelineError(type=ErrorType.CONFIG, message=line) for line in lines),
        )

    async def close(self) -> None:
        return
