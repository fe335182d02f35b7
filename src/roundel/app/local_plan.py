"""What the command line makes of a plan: less of it, or other steps."""

import shlex
from dataclasses import replace
from pathlib import Path

from roundel.app.local_events import Audience, Note
from roundel.app.local_wanted import CannotRunHere, Wanted
from roundel.compiler.single import calling_one_job, declared_jobs
from roundel.domain.plan import Plan
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

    def __call__(self, plan: Plan) -> Plan:
        """Return the plan to run."""
        wanted = self._wanted
        try:
            plan = choose(plan, wanted.choice)
        except NoSuchChoice as refusal:
            self.refusal = refusal
            return replace(plan, workflows=())
        plan = self._without_contexts(plan)
        if wanted.stub:
            plan = stubbed(plan)
        if wanted.in_place:
            plan = in_place(plan, self._root)
        self.chosen = plan
        # A plan that is only looked at makes no workflows.
        return replace(plan, workflows=()) if wanted.dry else plan

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
