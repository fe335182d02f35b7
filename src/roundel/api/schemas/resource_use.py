"""What the nodes of a job have used, on the wire."""

from collections.abc import Sequence

import msgspec

from roundel.api.schemas.common import Time, millis, millis_or_none
from roundel.domain.resource_use import Sample
from roundel.domain.views import NodeView


class SampleShown(msgspec.Struct):
    """Processor time since the node began, and the memory just then."""

    at: Time
    cpu_ms: int
    memory_bytes: int


class NodeUse(msgspec.Struct):
    node: int
    started_at: Time | None
    stopped_at: Time | None
    cpu_ms: int
    peak_memory_bytes: int
    samples: list[SampleShown]


class ResourceUseShown(msgspec.Struct):
    """One entry for each parallel node, of its newest attempt."""

    nodes: list[NodeUse]


def node_use(node: NodeView, samples: Sequence[Sample]) -> NodeUse:
    return NodeUse(
        node.node,
        millis_or_none(node.started_at),
        millis_or_none(node.stopped_at),
        samples[-1].cpu_ms if samples else 0,
        max((it.memory for it in samples), default=0),
        [SampleShown(millis(it.at), it.cpu_ms, it.memory) for it in samples],
    )
