"""Every kind of step that a config can have, and who makes it."""

from roundel.backends.protocol import Sandbox
from roundel.domain.plan import StepPlan
from roundel.domain.runners import JobOrder
from roundel.runner.steps.checkout import checkout_step
from roundel.runner.steps.plan import Process, Refusal
from roundel.runner.steps.run import run_step


async def process_of(step: StepPlan, order: JobOrder, sandbox: Sandbox) -> Process | Refusal:
    """Return what this step runs.  Raise SandboxLost if the sandbox is gone."""
    if step.kind == "run":
        return run_step(step, order.shell, await sandbox.facts())
    if step.kind == "checkout":
        return await checkout_step(step, order.checkout, sandbox)
    return Refusal(why=f'This runner cannot do the step "{step.kind}" yet.')
