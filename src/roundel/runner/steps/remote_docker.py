"""`setup_remote_docker`: a container engine for the job, where a setting allows one."""

from roundel.backends.launch import quoted
from roundel.runner.steps.plan import Process, Refusal

REFUSED = (
    "This job asks for a container engine (setup_remote_docker), and none is given to jobs here. "
    "Start the server with --remote-docker sidecar=IMAGE (an engine beside the job, in a "
    "privileged container), or with --remote-docker socket for trusted code."
)
# Layers are the engine's own affair, so docker_layer_caching needs nothing.  An engine that is
# just starting is waited for, where there is a client to ask with.
_SCRIPT = """
echo {sentence}
if command -v docker >/dev/null 2>&1; then
  tries=0
  until docker version >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || {{ docker version; exit 1; }}
    sleep 1
  done
  docker version
else
  echo "There is no docker client in this image, so later steps need to bring one."
fi
"""


def remote_docker_step(sentence: str | None) -> Process | Refusal:
    """Return the step, in a sandbox that says what engine it has."""
    if sentence is None:
        return Refusal(why=REFUSED)
    return Process(script=_SCRIPT.format(sentence=quoted(sentence)), argv=("/bin/sh",))
