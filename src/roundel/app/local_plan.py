"""What the command line makes of a plan: less of it, or other steps."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from roundel.app.local_events import Audience, Note
from roundel.app.local_machines import runnable_here
from roundel.app.local_wanted import CannotRunHere, Wanted
from roundel.compiler.report import nearest
from roundel.compiler.scalars import resolve
from roundel.compiler.single import calling_one_job, declared_jobs
from roundel.compiler.values import REGISTERED, is_registered
from roundel.domain.plan import JobType, Json, Plan
from roundel.services.choosing import NoSuchChoice, choose, stubbed, with_steps

# The job's folder becomes a link to the checkout, so that every path in the config still holds.
_IN_PLACE = """
path={path}
case $path in
  '~') path=$HOME ;;
  '~/'*) path=${{HOME%/}}/${{path#'~/'}} ;;
esac
case $path in
  .) place=$(pwd) ;;
  /*) place=$path ;;
  *) place=$(pwd)/$path ;;
esac
if [ ! -L "$place" ]; then
  mkdir -p "$place"
  cd /
  if ! rmdir "$place"; then
    echo "The checkout cannot stand in the place of \\"$place\\", which is not empty."
    exit 1
  fi
  ln -s {root} "$place"
fi
printf 'Using the checkout in place: %s\\n' {root}
"""


class PlanChange:
    """Changes plans as the command line says.

    `chosen` is the last one that came of it; `refusal` says why there was none.  It is not raised
    here, as the pipeline must come to its end.
    """

    def __init__(self, wanted: Wanted, root: Path, audience: Audience) -> None:
        self._audience = audience
        self._wanted = wanted
        self._root = root
        self.chosen: Plan | None = None
        self.learned: dict[str, str] = {}  # variables of contexts, from whoever was asked
        self.contexts: dict[str, dict[str, str]] = {}  # variables of known ones, by job
        self.refusal: NoSuchChoice | None = None
        self._continues = False  # the plan before was that of a setup config

    def __call__(self, plan: Plan) -> Plan:
        """Return the plan to run."""
        wanted = self._wanted
        try:
            whole, plan = plan, choose(plan, wanted.choice)
            self._check_names(whole, plan)
        except NoSuchChoice as refusal:
            self.refusal = refusal
            return replace(plan, workflows=())
        plan = runnable_here(self._without_contexts(plan))
        if wanted.stub:
            plan = stubbed(plan)
        if wanted.in_place:
            plan = in_place(plan, self._root)
        self.chosen = plan
        # A plan that is only looked at makes no workflows.
        return replace(plan, workflows=()) if wanted.dry else plan

    def _check_names(self, whole: Plan, plan: Plan) -> None:
        """Refuse a break that is never come to, and say which other names are in no job.

        Those may be meant for workflows that do not run this time.  What follows a setup config
        has not the jobs of that.
        """
        wanted = self._wanted
        if plan.setup:
            self._continues = True
            return
        slots = [slot for flow in whole.workflows for slot in flow.slots]
        approvals = {slot.name for slot in slots if slot.type is JobType.APPROVAL}
        self._say_unknown("approval job", "--approve", wanted.approvals, approvals)
        if not self._continues:
            contexts = {name for slot in slots for name in slot.contexts}
            self._say_unknown("context", "--context", tuple(wanted.contexts), contexts)
            _check_breaks(wanted.breaks, plan)

    def _say_unknown(self, what: str, option: str, given: tuple[str, ...], known: set[str]) -> None:
        for name in given:
            if name not in known:
                there = ", ".join(sorted(known)) or "none"
                text = f"{option} {name}: jobs here have no such {what}; they have: {there}"
                self._audience.hear(Note(text=text, warning=True))

    def _without_contexts(self, plan: Plan) -> Plan:
        """Return the plan with no context: what is in them is on a server, and not here."""
        slots = [slot for flow in plan.workflows for slot in flow.slots if not slot.excluded]
        wanted = self._wanted
        for slot in slots:
            for name in slot.contexts:
                self.contexts.setdefault(slot.name, {}).update(wanted.contexts.get(name, {}))
        names = sorted({name for slot in slots for name in slot.contexts} - wanted.contexts.keys())
        matter = wanted.contexts_matter and not (wanted.secrets or wanted.stub or wanted.dry)
        if matter and wanted.ask_context is not None:
            for name in names:
                self.learned |= wanted.ask_context(name)
        elif names and matter:
            text = f"contexts are not known here ({', '.join(names)}): give what is in them with"
            text += " --context NAME=FILE or --env-file, or say --no-secrets"
            self._audience.hear(Note(text=text, warning=True))
        workflows = tuple(
            replace(flow, slots=tuple(replace(slot, contexts=()) for slot in flow.slots))
            for flow in plan.workflows
        )
        return replace(plan, workflows=workflows)


def _check_breaks(breaks: tuple[tuple[str, str], ...], plan: Plan) -> None:
    """Refuse a break to which no job comes that runs."""
    running = [it for flow in plan.workflows for it in flow.slots if it.excluded is None]
    for name, step in breaks:
        jobs = [plan.jobs[it.job] for it in running if it.name == name and it.job is not None]
        if not jobs:
            there = ", ".join(sorted({it.name for it in running if it.job is not None})) or "none"
            raise NoSuchChoice(f"no job {name!r} runs, to break in; those that do: {there}")
        steps = [it for job in jobs for it in job.steps]
        if not any(step in (it.name, it.kind) for it in steps):
            there = ", ".join(dict.fromkeys(it.name for it in steps)) or "none"
            raise NoSuchChoice(f"{name} has no step {step!r} to break before; it has: {there}")


def in_place(plan: Plan, root: Path) -> Plan:
    """Return the plan with `checkout` leading into the folder itself instead of a copy."""
    where = shlex.quote(str(root))
    jobs = {}
    for key, job in plan.jobs.items():
        paths = [step.args.get("path") or "." for step in job.steps if step.kind == "checkout"]
        script = _IN_PLACE.format(path=shlex.quote(str(paths[0] if paths else ".")), root=where)
        one = replace(plan, jobs={key: job})
        args = {"command": script, "shell": "/bin/sh -e"}
        jobs[key] = with_steps(one, "checkout", args).jobs[key]
    return replace(plan, jobs=jobs)


def config_text(wanted: Wanted, text: str) -> str:
    """Return the config to compile: the text, or one that calls the chosen job alone.

    That is so for a job that was given arguments, and for one that no workflow has to call.
    """
    names = wanted.choice.names
    if not wanted.arguments:
        return text
    if len(names) != 1:
        raise CannotRunHere("arguments of a job (-p job.NAME=VALUE) need exactly one job's name")
    declared = declared_jobs(text)
    if declared is None:
        return text  # its problems are told when it is compiled
    if names[0] not in declared and "/" not in names[0]:
        raise CannotRunHere(f"there is no job {names[0]!r} in this config to give arguments to")
    try:
        return calling_one_job(text, names[0], wanted.arguments)
    except ValueError as error:
        raise CannotRunHere(str(error)) from error


# Values that are no texts; those of what a trigger sent may be anything.
_NO_TEXTS = frozenset(
    f"pipeline.{name}"
    for name in (
        "number",
        "git.branch.is_default",
        "event.github.pull_request.number",
        "event.github.pull_request.draft",
        "event.github.pull_request.merged",
    )
)


def pretended_values(given: Mapping[str, str]) -> dict[str, Json]:
    """Return pipeline values of the command line; refuse a name that no config could refer to."""
    values: dict[str, Json] = {}
    for name, text in given.items():
        if not is_registered(name):
            hint = nearest(name, REGISTERED).text()
            said = f"there is no pipeline value {name!r}"
            raise CannotRunHere(f"{said}; {hint}" if hint else said)
        free = name in _NO_TEXTS or name not in REGISTERED
        values[name] = resolve(text) if free else text
    return values
