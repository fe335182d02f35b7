"""What the command line changes in the orders of a local run."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from roundel.domain.runners import JobOrder, Secret

SHORTEST_SECRET = 4  # characters; hiding shorter ones would hide half of the output


def changed(
    order: JobOrder,
    environment: Mapping[str, str],
    secrets: Mapping[str, str],
    others: Iterable[str] = (),
    told: Mapping[str, str] = MappingProxyType({}),
) -> JobOrder:
    """Return an order with more variables, of which the secret ones are masked in output.

    So are `others`, the secrets of other jobs: a cache or workspace may carry them here.
    `told` tells of the repository that ours is a copy of, unless the job says otherwise itself.
    Secrets stand where a context's variables would: the job's own `environment` wins.
    """
    hidden = dict.fromkeys([*secrets.values(), *others])
    masks = tuple(Secret(value) for value in hidden if len(value) >= SHORTEST_SECRET)
    known = order.environment
    told = {name: value for name, value in told.items() if known.get(name, "/").startswith("/")}
    return replace(
        order,
        environment={**secrets, **known, **told, **environment},
        masks=order.masks + masks,
    )
