"""Identifiers.  All are UUIDv7: valid UUIDs everywhere, and ordered by time."""

import os
import re
import time
from typing import NewType

OrganizationId = NewType("OrganizationId", str)
PersonId = NewType("PersonId", str)
TokenId = NewType("TokenId", str)
ProjectId = NewType("ProjectId", str)
PipelineId = NewType("PipelineId", str)
WorkflowId = NewType("WorkflowId", str)
JobId = NewType("JobId", str)
ExecutionId = NewType("ExecutionId", str)
RunnerId = NewType("RunnerId", str)
TimerId = NewType("TimerId", str)
ScheduleId = NewType("ScheduleId", str)
CronTriggerId = NewType("CronTriggerId", str)


_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_VARIANT = "89ab" * 4  # two fixed bits, then two random ones


def new_id() -> str:
    """Return a fresh UUIDv7: 48 bits of Unix milliseconds, then random bits (RFC 9562)."""
    time_ = f"{time.time_ns() // 1_000_000:012x}"
    chance = os.urandom(10).hex()
    variant = _VARIANT[int(chance[3], 16)]
    return f"{time_[:8]}-{time_[8:]}-7{chance[:3]}-{variant}{chance[4:7]}-{chance[7:19]}"


def is_uuid(text: str) -> bool:
    """Tell whether `text` is a UUID in its canonical hyphenated form, in either case."""
    return _UUID.fullmatch(text) is not None
