"""`add_ssh_keys`: additional keys of the project, put where ssh looks for them."""

from pathlib import Path

from roundel.backends.launch import quoted
from roundel.domain.plan import StepPlan
from roundel.domain.runners import SshKeyOrder
from roundel.domain.ssh_keys import has_fingerprint
from roundel.runner.steps.plan import Process, Refusal

_SHELL = ("/bin/sh",)
_OF_A_FORK = "This pipeline is for a fork's pull request, and those get no SSH keys."
_NONE_THERE = "There are no additional SSH keys in this project."
_MISSING = (
    "The project has no SSH key with the fingerprint {fingerprint}: add it, or mend `fingerprints`."
)


def ssh_keys_step(step: StepPlan, keys: tuple[SshKeyOrder, ...] | None) -> Process | Refusal:
    """Return the step that installs the keys that it names, or all of them."""
    if keys is None:
        return _says(_OF_A_FORK)
    wanted = step.args.get("fingerprints")
    chosen = list(keys)
    if isinstance(wanted, list):
        names = [str(text) for text in wanted]
        for name in names:
            if not any(has_fingerprint(name, key.md5, key.sha256) for key in keys):
                return Refusal(why=_MISSING.format(fingerprint=name))
        chosen = [
            key for key in keys if any(has_fingerprint(it, key.md5, key.sha256) for it in names)
        ]
    if not chosen:
        return _says(_NONE_THERE)
    environment = {
        f"_RD_SSH_KEY_{number}": key.private_key.rstrip("\n") for number, key in enumerate(chosen)
    }
    calls = "".join(
        f"install_key {quoted(key.md5.replace(':', ''))} {quoted(key.md5)}"
        f' {quoted(key.hostname)} "$_RD_SSH_KEY_{number}"\n'
        for number, key in enumerate(chosen)
    )
    return Process(script=_script() + calls, argv=_SHELL, environment=environment)


def _says(sentence: str) -> Process:
    return Process(script=f"echo {quoted(sentence)}", argv=_SHELL)


def _script() -> str:
    return (Path(__file__).parent / "ssh_keys.sh").read_text("utf-8")
