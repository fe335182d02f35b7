"""What goes past a plain container: engines for jobs that ask for one, and whole machines.

All of it gives a job power over this machine, so nothing of it is there unless a setting says so.
"""

from roundel.backends.docker.classes import Limits, machine_limits_of
from roundel.domain.errors import Invalid
from roundel.domain.plan import ExecutorPlan, ImagePlan
from roundel.domain.records import dataclass
from roundel.domain.runners import JobOrder

STEP = "setup_remote_docker"
_SIDECAR_PORT = 2375
DEFAULT_MACHINE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteDocker:
    """What `setup_remote_docker` gives: this engine's socket, an engine beside the job, or none."""

    socket: str | None = None
    sidecar: str | None = None  # the image

    @property
    def sentence(self) -> str | None:
        """Say what the step found; None where nothing is given."""
        if self.socket:
            return "Using the container engine that this job runs on."
        if self.sidecar:
            return f"Using an engine of this job's own, from the image {self.sidecar}."
        return None

    def socket_of(self, order: JobOrder) -> str | None:
        """Return the socket to mount into this job."""
        return self.socket if _asks(order) else None

    def sidecars_of(self, order: JobOrder) -> tuple[ImagePlan, ...]:
        """Return the engine's container, if this job gets one."""
        if self.sidecar is None or not _asks(order):
            return ()
        # Without TLS: nobody else is on the job's loopback.
        return (ImagePlan(image=self.sidecar, environment={"DOCKER_TLS_CERTDIR": ""}),)

    def environment_of(self, order: JobOrder) -> dict[str, str]:
        """Return the variables by which a job's programs find the engine."""
        if self.sidecar is None or not _asks(order):
            return {}
        return {"DOCKER_HOST": f"tcp://localhost:{_SIDECAR_PORT}"}


REFUSED = RemoteDocker()


def parse_remote_docker(text: str, engine_url: str | None) -> RemoteDocker:
    """Read `refuse`, `socket` or `sidecar=IMAGE`.  Raise Invalid."""
    kind, _, image = text.partition("=")
    if text == "refuse":
        return REFUSED
    if text == "socket":
        url = engine_url or "unix:///var/run/docker.sock"
        if not url.startswith("unix://"):
            raise Invalid(f"--remote-docker socket: the engine at {url} has no socket here")
        return RemoteDocker(socket=url.removeprefix("unix://"))
    if kind == "sidecar" and image:
        return RemoteDocker(sidecar=image)
    raise Invalid(f"--remote-docker {text}: write refuse, socket or sidecar=IMAGE")


def machine_image(executor: ExecutorPlan) -> ImagePlan:
    """Return the image that stands for a machine's; `--image-map` says which it is here."""
    name = (executor.machine or {}).get("image")
    return ImagePlan(image=name if isinstance(name, str) else DEFAULT_MACHINE, environment={})


def machine_limits(order: JobOrder) -> Limits | None:
    """Return what the job's machine may use."""
    return machine_limits_of(order.resource_class)


def _asks(order: JobOrder) -> bool:
    return any(step.kind == STEP for step in order.steps)
