"""What a container is given past the plain one, and only where a setting says so."""

from pathlib import Path
from typing import Any

import pytest

from roundel.backends.docker.classes import Limits, machine_limits_of
from roundel.backends.docker.containers import primary, service
from roundel.backends.docker.engines import REFUSED, RemoteDocker, machine_image
from roundel.backends.docker.images import Image
from roundel.domain.plan import ExecutorKind, ExecutorPlan, ImagePlan, StepPlan
from tests.fake_server import an_order

IMAGE = Image(name="i", id="sha256:1", entrypoint=(), command=(), preserve_entrypoint=False)
PLAN = ImagePlan(image="i", environment={})
SETUP = StepPlan(kind="setup_remote_docker", name="Setup a remote Docker engine", args={})
SIDECAR = RemoteDocker(sidecar="docker:dind")


def a_primary(**powers: Any) -> dict[str, Any]:
    made = primary(
        PLAN,
        IMAGE,
        labels={},
        job=Path("/j"),
        launch=Path("/l"),
        shared=[],
        names=[],
        limits=None,
        **powers,
    )
    host: dict[str, Any] = made["HostConfig"]
    return host


def test_a_plain_container_has_no_power_over_the_machine() -> None:
    assert a_primary()["Privileged"] is False
    assert [mount["Source"] for mount in a_primary()["Mounts"]] == ["/j", "/l"]
    made = service(PLAN, IMAGE, labels={}, primary_id="1", limits=None)
    assert made["HostConfig"]["Privileged"] is False


def test_powers_are_given_one_by_one() -> None:
    assert a_primary(privileged=True)["Privileged"] is True
    assert len(a_primary(privileged=True)["Mounts"]) == 2
    with_socket = a_primary(engine_socket="/run/d.sock")
    assert with_socket["Privileged"] is False
    assert with_socket["Mounts"][2] == {
        "Type": "bind",
        "Source": "/run/d.sock",
        "Target": "/var/run/docker.sock",
    }
    made = service(PLAN, IMAGE, labels={}, primary_id="1", limits=None, privileged=True)
    assert made["HostConfig"]["Privileged"] is True
    assert made["HostConfig"]["NetworkMode"] == "container:1"


def test_an_engine_beside_the_job_is_there_for_jobs_that_ask() -> None:
    asks, plain = an_order(SETUP), an_order("true")
    assert [plan.image for plan in SIDECAR.sidecars_of(asks)] == ["docker:dind"]
    assert SIDECAR.environment_of(asks) == {"DOCKER_HOST": "tcp://localhost:2375"}
    assert SIDECAR.socket_of(asks) is None
    assert "docker:dind" in (SIDECAR.sentence or "")
    for remote, order in ((SIDECAR, plain), (REFUSED, asks), (REFUSED, plain)):
        assert remote.sidecars_of(order) == ()
        assert remote.environment_of(order) == {}
    assert REFUSED.sentence is None


@pytest.mark.parametrize(
    ("keys", "image"),
    [({"image": "ubuntu-2204:current"}, "ubuntu-2204:current"), ({}, "default"), (None, "default")],
)
def test_the_image_of_a_machine_is_named_by_the_config(keys, image) -> None:
    executor = ExecutorPlan(kind=ExecutorKind.MACHINE, machine=keys)
    assert machine_image(executor).image == image


def test_classes_of_machines_have_limits_of_their_own() -> None:
    assert machine_limits_of("medium") == Limits(cpus=2, memory_bytes=int(7.5 * 1024**3))
    assert machine_limits_of("arm.large.gen2") == Limits(cpus=4, memory_bytes=16 * 1024**3)
    assert machine_limits_of(None) is None
    assert machine_limits_of("small") is None
