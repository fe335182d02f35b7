"""How much one config may ask for.  Reaching a limit is a problem with a message, never a crash."""

from __future__ import annotations

LONGEST_TEXT = 5_000_000  # characters of one text; CircleCI refuses configs far below this
DEEPEST_NESTING = 100  # levels of maps and lists; each pass recurses over them
MOST_NODES = 250_000  # values of one text with aliases written out; 35,000 lines have 40,000
MOST_KEYS = 20_000  # keys of one map; a full matrix of 10,000 jobs stays below
MOST_STEPS = 100_000  # steps that are written or made by expansion, over all jobs
MOST_TEXT = 50_000_000  # characters that templates may produce in all
DEEPEST_CALLS = 100  # commands calling commands
MOST_MEMBERS = 10_000  # jobs of one matrix
MOST_JOBS = 20_000  # invocations of all workflows


class LimitReached(Exception):
    """A config asks for too much.  Raised by a pass and turned into a problem by `passes`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Budget:
    """What is left of the limits during one compilation."""

    __slots__ = ("jobs", "steps", "text")

    def __init__(self) -> None:
        self.steps = MOST_STEPS
        self.text = MOST_TEXT
        self.jobs = MOST_JOBS

    def spend_steps(self, count: int) -> None:
        """Take steps from the budget."""
        self.steps -= count
        if self.steps < 0:
            raise LimitReached(
                "too-many-steps", f"This config expands to more than {MOST_STEPS} steps."
            )

    def spend_text(self, length: int) -> None:
        """Take characters made by templates from the budget."""
        self.text -= length
        if self.text < 0:
            raise LimitReached(
                "too-much-text",
                f"The templates of this config produce more than {MOST_TEXT} characters.",
            )

    def spend_job(self) -> None:
        """Take one invocation from the budget."""
        self.jobs -= 1
        if self.jobs < 0:
            raise LimitReached(
                "too-many-jobs", f"This config expands to more than {MOST_JOBS} jobs."
            )
