"""Identifiers.  All are UUIDv7: valid UUIDs everywhere, and ordered by time."""

import os
import time
import uuid
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


def new_id() -> str:
    """Return a fresh UUIDv7: 48 bits of Unix milliseconds, then random bits (RFC 9562)."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def is_uuid(text: str) -> bool:
    """Tell whether `text` is a UUID in its canonical hyphenated form, in either case."""
    if len(text) != 36:
        return False
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
