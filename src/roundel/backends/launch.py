"""The launch file of a step: its environment, directories and shell, as text for any POSIX sh."""

import re
from collections.abc import Mapping

from roundel.backends.protocol import StepOrder

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Setting one of these ends some shell or other with "readonly variable".
_READ_ONLY = frozenset(
    {"BASHOPTS", "BASH_VERSINFO", "EUID", "GROUPS", "PPID", "SHELLOPTS", "UID", "_"}
)


def quoted(text: str) -> str:
    """Return `text` as one word for a shell, whatever is in it."""
    return "'" + text.replace("'", "'\\''") + "'"


def settable(name: str) -> bool:
    """Tell whether every shell can export a variable of this name."""
    return _NAME.fullmatch(name) is not None and name not in _READ_ONLY


def launch_text(step: StepOrder, environment: Mapping[str, str], job_directory: str) -> str:
    """Return the file that the supervisor sources just before it becomes the step."""
    merged = {**environment, **step.environment}
    lines = [
        f"export {name}={quoted(value.replace(chr(0), ''))}"
        for name, value in merged.items()
        if settable(name)
    ]
    lines.append(f"_rd_job_dir={quoted(job_directory)}")
    lines.append(f"_rd_step_dir={quoted(step.cwd or '')}")
    if step.argv:
        lines.append('set -- "$@" ' + " ".join(quoted(word) for word in step.argv))
    return "\n".join(lines) + "\n"


def shell_text(environment: Mapping[str, str], job_directory: str, inside: str) -> str:
    """Return the script of a person's shell: what the steps have, and the best shell there is.

    `inside` is the job folder as the job sees it.
    """
    step = StepOrder(index=0, script="", argv=None, cwd=None, environment={})
    return launch_text(step, environment, job_directory) + _SHELL.format(
        bin=quoted(f"{inside}/bin")
    )


_SHELL = """
export PATH={bin}:"$PATH"
case $_rd_job_dir in
  '~') _rd_job_dir=$HOME ;;
  '~/'*) _rd_job_dir=${{HOME%/}}/${{_rd_job_dir#'~/'}} ;;
esac
cd "$_rd_job_dir" 2>/dev/null
[ -r "${{BASH_ENV-}}" ] && . "$BASH_ENV"
export PS1="(${{CIRCLE_JOB-job}}) \\w \\$ "
[ -x /bin/bash ] && exec /bin/bash --noprofile --norc -i
PS1="(${{CIRCLE_JOB-job}}) $ "
exec /bin/sh -i
"""
