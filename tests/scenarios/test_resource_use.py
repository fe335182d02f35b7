"""What a job has used, as the API tells it."""

from roundel.api.app import create_api
from roundel.app import UseCases
from roundel.domain.clock import Micros
from roundel.domain.resource_use import Sample
from tests.api.client import Client
from tests.api.conftest import SETTINGS
from tests.builders import a_plan
from tests.scenarios.conftest import House

PATH = "/api/v2/project/gh/acme/web/job/1/resource-use"


async def test_samples_of_each_node_come_with_their_sums(house: House) -> None:
    client = Client(
        create_api(house.engine, UseCases(house.engine), SETTINGS),
        (house.folder / "admin-token").read_text().strip(),
    )
    await house.trigger(a_plan("build"))
    [waiting] = (await client.get(PATH)).json()["nodes"]
    assert (waiting["started_at"], waiting["cpu_ms"], waiting["samples"]) == (None, 0, [])

    order = await house.runner.claim()
    assert order is not None
    samples = [
        Sample(at=Micros(second * 1_000_000), cpu_ms=cpu, memory=memory)
        for second, cpu, memory in ((5, 400, 7_000), (10, 900, 3_000))
    ]
    await house.engine.runners.renew(order.lease, samples)
    [node] = (await client.get(PATH)).json()["nodes"]
    assert (node["node"], node["cpu_ms"], node["peak_memory_bytes"]) == (0, 900, 7_000)
    assert node["samples"] == [
        {"at": "1970-01-01T00:00:05.000Z", "cpu_ms": 400, "memory_bytes": 7_000},
        {"at": "1970-01-01T00:00:10.000Z", "cpu_ms": 900, "memory_bytes": 3_000},
    ]
    assert (await client.get(PATH.replace("/1/", "/2/"))).status == 404
