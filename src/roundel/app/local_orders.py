"""What the command line changes in the orders of a local run."""

from collections.abc import Mapping
from dataclasses import replace

from roundel.domain.runners import JobOrder, Secret

SHORTEST_SECRET = 4  # characters; hiding shorter ones would hide half of the output


def changed(
    order: JobOrder, environment: Mapping[str, str], secrets: Mapping[str, str]
) -> JobOrder:
    """Return an order with more variables, of which the secret ones are masked in output.

    Secrets stand where a context's variables would: the job's own `environment` wins.
    """
    masks = tuple(Secret(value) for value in secrets.values() if len(value) >= SHORTEST_SECRET)
    return replace(
        order,
        environment={**secrets, **order.environment, **environment},
        masks=order.masks + masks,
    )
