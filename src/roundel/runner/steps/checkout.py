"""`checkout`: a script that clones inside, or unpacks what the runner has cloned outside."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from roundel.backends.launch import quoted
from roundel.backends.protocol import Sandbox
from roundel.domain.plan import StepPlan
from roundel.domain.runners import CheckoutOrder
from roundel.runner.steps.cloning import hand_over, keys_inside, local_path, read_with
from roundel.runner.steps.keeping import Keeper
from roundel.runner.steps.plan import Process, Refusal, SurroundingsFailed, text_of

AGAIN_SECONDS = (1.0, 4.0)  # until a host is asked again that was silent
_SHELL = ("/bin/sh",)


async def checkout_step(step: StepPlan, keeper: Keeper, sandbox: Sandbox) -> Process | Refusal:
    """Return the process that checks out the job's commit."""
    order = keeper.order.checkout
    if order is None:
        return Refusal(why="There is nothing to check out: this pipeline has no repository.")
    facts = await sandbox.facts()
    local = local_path(order.repository_url)
    if local is not None:
        outside = not facts.git or not all(sandbox.sees(path) for path in read_with(local))
    else:
        outside = not facts.git or (_by_ssh(order.repository_url) and not facts.ssh)
    method = text_of(step, "method") or "blobless"
    depth = text_of(step, "depth") or "1"
    if local is not None:
        method = "full"  # nothing is carried over a network
    if not depth.isdigit() or int(depth) < 1:
        return Refusal(why=f'depth "{depth}" of checkout is not a whole number from 1 on.')
    seed = "seed" if outside else None

    def script(seed_inside: str) -> str:
        values = {
            "url": str(local) if local else order.repository_url,
            "revision": order.revision,
            "branch": order.branch or "",
            "tag": order.tag or "",
            "path": text_of(step, "path") or ".",
            "method": method,
            "depth": depth,
            "seed": seed_inside,
        }
        lines = [f"{name}={quoted(value)}" for name, value in values.items()]
        return "\n".join(lines) + "\n" + _script()

    environment = keys_inside(order)
    place, inside = (None, "") if seed is None else sandbox.put(seed)

    async def prepare(_index: int) -> None:
        given = await with_password(order, keeper)
        environment.update(keys_inside(given))
        if place is not None:
            await hand_over(given, place, shallow=int(depth) if method == "shallow" else None)

    return Process(script=script(inside), argv=_SHELL, environment=environment, prepare=prepare)


async def with_password(
    order: CheckoutOrder, keeper: Keeper, pauses: Sequence[float] = AGAIN_SECONDS
) -> CheckoutOrder:
    """Return the order with the password that the server has made for it.

    Raise SurroundingsFailed where its host is silent, after all pauses too.
    """
    if not order.password_on_request:
        return order
    found = await keeper.storage.checkout_password()
    for pause in pauses:
        if not found.away:
            break
        await asyncio.sleep(pause)
        found = await keeper.storage.checkout_password()
    if found.away:
        raise SurroundingsFailed(
            f"The host of the repository gives no password for it: {found.away}."
            " Run the job again when it answers."
        )
    if found.password is None:
        return order
    keeper.hide(found.password)
    return replace(order, username=found.username, password=found.password)


def _by_ssh(url: str) -> bool:
    """Tell whether git reaches this address with ssh: `ssh://…` or `git@host:path`."""
    return url.startswith("ssh://") or ("://" not in url and ":" in url)


def _script() -> str:
    return (Path(__file__).parent / "checkout.sh").read_text("utf-8")
