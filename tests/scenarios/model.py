"""A small model of workflows, written from the rules and not from the program."""

from dataclasses import dataclass, field

from roundel.domain.plan import JobType, SlotPlan

FAILURES = {"failed", "timedout", "infrastructure_fail"}
ENDED = FAILURES | {"success", "canceled", "not_run"}


@dataclass
class Model:
    """One workflow: where each of its jobs stands.  `queued` means under way in any sense."""

    slots: tuple[SlotPlan, ...]
    auto_reruns: int = 0  # how many it may still have
    canceling: bool = False
    now: dict[str, str] = field(default_factory=dict)

    def begin(self) -> "Model":
        """Start what can start."""
        for slot in self.slots:
            if slot.excluded is None:
                self.now.setdefault(slot.name, "blocked")
        self.settle()
        return self

    def settle(self) -> None:
        """Look at the blocked jobs until nothing changes any more."""
        before: dict[str, str] = {}
        while before != self.now:
            before = dict(self.now)
            for slot in self.slots:
                if self.now.get(slot.name) == "blocked":
                    self.now[slot.name] = self._next(slot)

    def _next(self, slot: SlotPlan) -> str:
        if self.canceling:
            return "not_run"
        needs = [need for need in slot.requires if need.job in self.now]
        if slot.requires and not needs:
            return "not_run"
        words = {need.job: self._word(self.now[need.job]) for need in needs}
        ended = {need.job: words[need.job] is not None for need in needs}
        if any(ended[need.job] and words[need.job] not in need.statuses for need in needs):
            return "not_run"
        if not all(ended.values()):
            return "blocked"
        return {JobType.APPROVAL: "on_hold", JobType.NO_OP: "success"}.get(slot.type, "queued")

    @staticmethod
    def _word(status: str) -> str | None:
        if status not in ENDED:
            return None
        return "failed" if status in FAILURES else status

    def waiting(self, status: str) -> list[str]:
        return sorted(name for name, now in self.now.items() if now == status)

    def end(self, name: str, status: str) -> None:
        """A job has ended, an approval was given."""
        self.now[name] = status
        self.settle()

    def cancel(self) -> None:
        """What waits for a person ends at once, what runs once it has stopped."""
        if self.status() in ENDED:
            return
        self.canceling = True
        for name in self.waiting("on_hold"):
            self.now[name] = "canceled"
        self.settle()

    def status(self) -> str:
        """Return what the workflow is called."""
        jobs = list(self.now.values())
        still = [status for status in jobs if status not in ENDED]
        failed = any(status in FAILURES for status in jobs)
        if still:
            if failed:
                return "failing"
            return "on_hold" if "on_hold" in still and "queued" not in still else "running"
        if self.canceling or "canceled" in jobs:
            return "canceled"
        return "failed" if failed else "success"

    def again(self, chosen: set[str] | None, auto_reruns: int = 0) -> "Model":
        """Return a rerun: of everything (None), or of `chosen` with all that follows."""
        new = Model(self.slots, auto_reruns)
        if chosen is not None:
            run = set(chosen)
            while True:
                more = {
                    slot.name
                    for slot in self.slots
                    if slot.name in self.now and any(need.job in run for need in slot.requires)
                }
                if more <= run:
                    break
                run |= more
            new.now = {name: now for name, now in self.now.items() if name not in run}
        return new.begin()

    def undone(self) -> set[str]:
        return {name for name, now in self.now.items() if now != "success"}
