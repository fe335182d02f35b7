"""What the command line changes in the orders of a local run."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from roundel.domain.runners import JobOrder, Secret

SHORTEST_SECRET = 4  # characters; hiding shorter ones would hide half of the output


def changed(
    order: JobOrder,
    environment: Mapping[str, str],
    secrets: Mapping[str, str],
    others: Iterable[str] = (),
) -> JobOrder:
    """Return an order with more variables, of which the secret ones are masked in output.

    So are `others`, the secrets of other jobs: a cache or workspace may carry them here.
    Secrets stand where a context's variables would: the job's own `environment` wins.
    """
    hidden = dict.fromkeys([*secrets.values(), *others])
    masks = tuple(Secret(value) for value in hidden if len(value) >= SHORTEST_SECRET)
    return replace(
        order,
        environment={**secrets, **order.environment, **environment},
        masks=order.masks + masks,
    )
