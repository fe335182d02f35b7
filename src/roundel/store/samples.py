"""Samples of resource use as one text: a small table that is read and written as a whole."""

import json
from collections.abc import Sequence

from roundel.domain.clock import Micros
from roundel.domain.resource_use import Sample
from roundel.store.dialect import Sql


def kept_samples(sql: Sql, execution_id: str) -> list[Sample]:
    """Return what is kept of an execution, in its order.  Its page and what adds to it need it."""
    row = sql.one("SELECT resource_use FROM execution WHERE id = :id", id=execution_id)
    if row is None or row[0] is None:
        return []
    return [
        Sample(at=Micros(at), cpu_ms=cpu_ms, memory=memory)
        for at, cpu_ms, memory in json.loads(row[0])
    ]


def text_of(samples: Sequence[Sample]) -> str:
    """Return samples as they are kept."""
    rows = [[it.at, it.cpu_ms, it.memory] for it in samples]
    return json.dumps(rows, separators=(",", ":"))
