"""`run`: a command in a shell of its own."""

import re
import shlex

from roundel.backends.protocol import Facts
from roundel.domain.plan import Json, StepPlan
from roundel.runner.durations import seconds_of
from roundel.runner.steps.plan import NO_OUTPUT_SECONDS, Process, Refusal, text_of, texts_of


def run_step(step: StepPlan, job_shell: str | None, facts: Facts) -> Process | Refusal:
    """Return what `run` asks for, in a place where `facts` hold."""
    command = text_of(step, "command")
    if command is None:
        return Refusal(why="This step has no command.")
    try:
        argv = _shell(step.args.get("shell")) or _shell(job_shell)
    except ValueError as error:
        return Refusal(why=f"The shell of this step cannot be read ({error}): mend its quotes.")
    silence = _duration(step, "no_output_timeout", NO_OUTPUT_SECONDS)
    delay = _duration(step, "auto_rerun_delay", 0.0)
    if isinstance(silence, Refusal):
        return silence
    if isinstance(delay, Refusal):
        return delay
    background = step.args.get("background") is True
    reruns = step.args.get("max_auto_reruns")
    return Process(
        script=command,
        argv=argv,
        cwd=text_of(step, "working_directory"),
        environment=texts_of(step.args.get("environment")),
        background=background,
        no_output_seconds=silence,
        reruns=reruns if isinstance(reruns, int) and not background else 0,
        rerun_delay_seconds=delay,
        command=f"#!{' '.join(argv or _default_shell(facts))}\n{command}",
    )


def _default_shell(facts: Facts) -> tuple[str, ...]:
    """Return what the supervisor takes where nothing is said."""
    return ("/bin/bash" if facts.bash else "/bin/sh", "-eo", "pipefail")


def _shell(value: Json) -> tuple[str, ...] | None:
    """Return a shell's words; a config gives one text or a list."""
    if isinstance(value, list):
        return tuple(str(word) for word in value) or None
    return tuple(shlex.split(value)) or None if isinstance(value, str) else None


# Configs write seconds without a unit too, and the compiler hands all such values on as texts.
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?\Z")


def _duration(step: StepPlan, key: str, default: float) -> float | Refusal:
    value = step.args.get(key)
    if value is None:
        return default
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and _SECONDS.match(value):
        return float(value)
    seconds = seconds_of(str(value))
    if seconds is None:
        return Refusal(why=f'{key} "{value}" is not a duration; write it like 30s, 10m or 1h30m.')
    return seconds
