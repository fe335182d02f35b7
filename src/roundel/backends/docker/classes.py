"""Resource classes of the docker executor, as limits of a container."""

from roundel.domain.records import dataclass

GIB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a job's primary container may use."""

    cpus: float
    memory_bytes: int


def _row(cpus: float, gibibytes: float) -> Limits:
    return Limits(cpus=cpus, memory_bytes=int(gibibytes * GIB))


CLASSES = {
    "small": _row(1, 2),
    "medium": _row(2, 4),
    "medium+": _row(3, 6),
    "large": _row(4, 8),
    "xlarge": _row(8, 16),
    "2xlarge": _row(16, 32),
    "2xlarge+": _row(20, 40),
    "arm.medium": _row(2, 8),
    "arm.large": _row(4, 16),
    "arm.xlarge": _row(8, 32),
    "arm.2xlarge": _row(16, 64),
}


MACHINES = {
    "medium": _row(2, 7.5),
    "large": _row(4, 15),
    "xlarge": _row(8, 32),
    "2xlarge": _row(16, 64),
    "2xlarge+": _row(32, 64),
    **{name: row for name, row in CLASSES.items() if name.startswith("arm.")},
}


def machine_limits_of(resource_class: str | None) -> Limits | None:
    """Return the limits of a machine's class, None for any other."""
    return MACHINES.get((resource_class or "").removesuffix(".gen2"))


def limits_of(resource_class: str | None) -> Limits | None:
    """Return the limits of a class, None for one of the user's own or for no class at all."""
    if resource_class is None:
        return None
    return CLASSES.get(resource_class.removesuffix(".gen2"))
