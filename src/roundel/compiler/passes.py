"""The passes in order: text and values in, processed config, plan and problems out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from roundel.compiler import check, schema
from roundel.compiler.document import compiled_document
from roundel.compiler.emit import emit
from roundel.compiler.limits import LimitReached
from roundel.compiler.naming import name_jobs
from roundel.compiler.orbs import LockedOrb, NoOrbs, OrbPass, OrbSource, header_lines
from roundel.compiler.params import pipeline_parameters
from roundel.compiler.pauses import no_collection
from roundel.compiler.planner import make_plan
from roundel.compiler.report import Problem, Report
from roundel.compiler.requires import resolve_requires
from roundel.compiler.scanning import Value
from roundel.compiler.scope import Elements, LeftOut, Run
from roundel.compiler.source import load
from roundel.compiler.tree import START, Document, Map, Spot
from roundel.compiler.workflows import DroppedWorkflow, Workflow, expand_workflows
from roundel.domain.plan import Json, Place, Plan
from roundel.domain.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to compile.

    `process` is for people who want to see the processed config: there it is an error if all
    workflows are filtered out, while a pipeline is simply created without workflows.  `trace` keeps
    the expanded workflows, from which `explain` tells where everything came from.  `optional` has
    values of parameters that the config may declare and need not.
    """

    process: bool = False
    trace: bool = False
    optional: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The expanded workflows, with the calls that led to each step."""

    document: Map
    workflows: tuple[Workflow, ...]
    dropped: tuple[DroppedWorkflow, ...]
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What became of a config.  With an error among the problems there is no output and no plan."""

    output: str | None
    plan: Plan | None
    problems: tuple[Problem, ...]
    orb_lock: tuple[LockedOrb, ...] = ()
    trace: Trace | None = None

    @property
    def source_map(self) -> dict[str, Place]:
        """Where each part of the output was written, by path: `jobs.build.steps[0].run.command`.

        Empty without the option `trace`.
        """
        from roundel.compiler.explaining import source_map

        return source_map(self.trace.document) if self.trace is not None else {}

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the config from running."""
        return tuple(p for p in self.problems if p.severity == "error")


_NO_JSON: Mapping[str, Json] = {}


def compile_config(
    text: str,
    *,
    file: str = ".circleci/config.yml",
    parameters: Mapping[str, Json] | None = None,
    values: Mapping[str, Json] | None = None,
    orbs: OrbSource | None = None,
    options: Options | None = None,
) -> Compiled:
    """Compile a config.  Whatever the text, mistakes in it are problems and never raise.

    `parameters` were passed by the trigger, defaults fill in the rest.  `values` are the pipeline
    values by their full names; registered names that are absent are undefined.
    """
    with no_collection():
        # All that is not part of the result is let go of before the collector may look again.
        return _compiled(
            Document(file, text),
            parameters or _NO_JSON,
            values or _NO_JSON,
            orbs or NoOrbs(),
            options or Options(),
        )


def _compiled(
    doc: Document,
    parameters: Mapping[str, Json],
    values: Mapping[str, Json],
    orbs: OrbSource,
    options: Options,
) -> Compiled:
    report = Report()
    compilation = _Compilation(doc, report, values, orbs, options)
    try:
        compiled = compilation.run_passes(parameters)
    except LimitReached as limit:
        report.error(limit.code, limit.message, Spot(doc, START))
        compiled = None
    if compiled is not None and not report.errors:
        return compiled
    return Compiled(
        output=None,
        plan=None,
        problems=report.problems(),
        orb_lock=tuple(compilation.orb_pass.locked),
        trace=None,
    )


class _Compilation:
    def __init__(
        self,
        doc: Document,
        report: Report,
        values: Mapping[str, Value],
        orbs: OrbSource,
        options: Options,
    ) -> None:
        self.doc = doc
        self.report = report
        self.options = options
        self.run = Run(report, values)
        if options.trace:
            self.run.left_out = []
        self.orb_pass = OrbPass(self.run, orbs)

    def run_passes(self, given: Mapping[str, Json]) -> Compiled | None:
        """Run the passes until one reports errors that make the next ones pointless."""
        root = load(self.doc, self.report)
        if self.report.errors:
            return None
        if not isinstance(root, Map):
            self._no_version()
            return None
        version = schema.version_of(root, self.report)
        if version is None:
            return None
        schema.check_config(root, version, self.report)
        if self.report.errors:
            return None
        elements = Elements("config", self.doc, root, is_project=True, templating=version > 2)
        run = self.run
        given = {**self._declared_of(root, self.options.optional), **given}
        run.parameters = pipeline_parameters(root if version > 2 else Map(), given, run, self.doc)
        if version > 2:
            self.orb_pass.attach(root, elements)
        workflows, dropped = expand_workflows(root, elements, run)
        for workflow in workflows:
            resolve_requires(workflow, self.report)
        check.check_workflows(workflows, run, strict=version > 2)
        if root.get("setup") is True:
            check.check_setup(workflows, self.report)
        if self.options.process and not self.report.errors:
            check.check_anything_runs(workflows, dropped, self.report, self.doc)
        if self.report.errors:
            return None
        name_jobs(workflows)
        return self._result(root, workflows, dropped)

    def _declared_of(self, root: Map, optional: Mapping[str, Json]) -> dict[str, Json]:
        declared = root.get("parameters")
        names = declared if isinstance(declared, Map) else ()
        return {name: value for name, value in optional.items() if name in names}

    def _no_version(self) -> None:
        self.report.error(
            "version", "Unsupported or missing workflows config version", Spot(self.doc, START)
        )

    def _result(
        self,
        root: Map,
        workflows: list[Workflow],
        dropped: list[DroppedWorkflow],
    ) -> Compiled:
        run = self.run
        document = compiled_document(root, workflows)
        output = "".join(header_lines(self.orb_pass.locked)) + emit(document)
        named = {f"pipeline.parameters.{k}": v for k, v in run.parameters.items()}
        plan = make_plan(
            workflows,
            dropped,
            {**run.values, **named},
            run.parameters,
            setup=root.get("setup") is True,
        )
        return Compiled(
            output=output,
            plan=plan,
            problems=self.report.problems(),
            orb_lock=tuple(self.orb_pass.locked),
            trace=Trace(
                document=document,
                workflows=tuple(workflows),
                dropped=tuple(dropped),
                left_out=tuple(run.left_out or ()),
            )
            if self.options.trace
            else None,
        )
