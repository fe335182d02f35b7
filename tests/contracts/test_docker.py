"""What the docker back end does beyond the contract of all back ends."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from roundel.backends.docker import DockerBackend, ImageRule, parse_image_rule
from roundel.backends.docker.classes import Limits, limits_of
from roundel.backends.docker.images import rewritten
from roundel.backends.docker.logins import expanded
from roundel.backends.protocol import CannotOpen, StepOrder
from roundel.domain.errors import Invalid
from roundel.domain.jobs import ExecutionStatus
from roundel.domain.plan import ImagePlan, StepPlan
from roundel.domain.runners import CheckoutOrder, JobOrder
from tests.engine import Engine
from tests.fake_server import FakeServer, an_order
from tests.images import DEBIAN, REDIS, derived, have
from tests.registry import registry
from tests.repositories import git, make_repository
from tests.unit.runner.conftest import a_runner

pytestmark = pytest.mark.e2e


@pytest.fixture
async def backend(engine: Engine) -> AsyncIterator[DockerBackend]:
    made = DockerBackend(url=engine.url)
    yield made
    await made.close()


@pytest.fixture
def debian(engine: Engine) -> str:
    return have(engine, DEBIAN)


def an_image(image: str, **keys: object) -> ImagePlan:
    return ImagePlan(**{"image": image, "environment": {}, **keys})


async def said(backend: DockerBackend, home: Path, order: JobOrder, script: str) -> str:
    """Return what a script says in the order's primary container."""
    folder = home / order.lease.execution_id
    await asyncio.to_thread(folder.mkdir, mode=0o700)
    heard = []

    async def out(data: bytes, _source_end: int) -> None:
        heard.append(data)

    async with backend.open(order, folder) as sandbox:
        step = StepOrder(index=2, script=script, argv=None, cwd=None, environment={})
        end = await sandbox.run(step, out)
    text = b"".join(heard).decode()
    assert end.code == 0, text
    return text


async def test_services_answer_on_localhost_and_by_name(backend, debian, tmp_path):
    web = an_image(
        debian, name="web", command=("sh", "-c", "cd /etc && exec python3 -m http.server 8099")
    )
    order = an_order(images=[an_image(debian), web])
    script = """
        for host in localhost web; do
          for try in $(seq 100); do
            curl -fs http://$host:8099/hostname >/dev/null && echo $host && break
            sleep 0.05
          done
        done
    """
    assert await said(backend, tmp_path, order, script) == "localhost\nweb\n"


async def test_the_user_of_the_config_runs_the_steps_in_a_home_of_its_own(
    backend, debian, busybox, tmp_path
):
    for image in (debian, busybox):
        order = an_order(images=[an_image(image, user="circleci")])
        text = await said(backend, tmp_path, order, "id -u; pwd; echo x > f; cat f")
        assert text == "3434\n/home/circleci/project\nx\n"


async def test_environment_of_image_and_job_lie_over_each_other(backend, debian, tmp_path):
    image = an_image(debian, environment={"A": "image", "B": "image"})
    order = an_order(images=[image], environment={"B": "job"})
    assert await said(backend, tmp_path, order, "echo $A $B") == "image job\n"


async def test_secrets_are_not_in_what_the_engine_knows_of_a_container(
    backend, engine, debian, tmp_path
):
    order = an_order(image=debian, environment={"KEY": "hunter2-and-more"})
    folder = tmp_path / "job"
    folder.mkdir(mode=0o700)
    async with backend.open(order, folder):
        label = f"label=roundel.execution={order.lease.execution_id}"
        ids = engine.docker("ps", "-q", "--filter", label).split()
        text = engine.docker("inspect", *ids)
    assert len(ids) == 1
    assert "hunter2" not in text
    assert '"Privileged": false' in text
    assert "docker.sock" not in text
    assert text.count('"Type": "bind"') == 4  # asked for and made: job folder and launch files


@pytest.mark.parametrize("how", ["config", "label"])
async def test_an_entrypoint_that_is_to_be_kept_runs_beside_the_steps(
    backend, engine, debian, tmp_path, how
):
    words = ("sh", "-c", "touch /tmp/entered; exec sleep 600")
    image = an_image(debian, entrypoint=words)
    if how == "label":
        quoted = ", ".join(f'"{word}"' for word in words)
        image = an_image(
            derived(
                engine,
                debian,
                "kept",
                f"ENTRYPOINT [{quoted}]",
                "LABEL com.circleci.preserve-entrypoint=true",
            )
        )
    script = "for try in $(seq 100); do [ -e /tmp/entered ] && echo yes && exit; sleep 0.05; done"
    assert await said(backend, tmp_path, an_order(images=[image]), script) == "yes\n"


async def test_an_entrypoint_without_that_wish_does_not_run(backend, engine, debian, tmp_path):
    image = derived(engine, debian, "plain", 'ENTRYPOINT ["sh", "-c", "exit 9"]')
    assert await said(backend, tmp_path, an_order(image=image), "echo fine") == "fine\n"


async def test_running_out_of_memory_is_told_apart(engine, debian, tmp_path):
    small = Limits(cpus=1, memory_bytes=48 * 1024 * 1024)
    backend = DockerBackend(url=engine.url, limits=lambda _class: small)
    server = FakeServer()
    async with a_runner(server, tmp_path, backend=backend):
        eat = "python3 -c 'x = bytearray(200 * 1024 * 1024); print(len(x))'"
        told = server.submit(an_order(eat, image=debian, resource_class="small"))
        await told.ended.wait()
        plain = server.submit(an_order("exit 137", image=debian))
        await plain.ended.wait()
    assert "ran out of memory" in told.output(2)
    assert "ran out of memory" in told.reports[2].message
    assert told.result.status is ExecutionStatus.FAILED
    assert "memory" not in plain.log()


async def test_a_missing_image_is_one_clear_message(engine, tmp_path):
    server = FakeServer()
    with registry() as name:
        image = name.replace("nothing-to-run", "no-such")
        async with a_runner(server, tmp_path, backend=DockerBackend(url=engine.url)):
            told = server.submit(an_order("true", image=image))
            await told.ended.wait()
    assert told.result.status is ExecutionStatus.FAILED
    assert image in told.output(0)
    assert "cannot be pulled: manifest unknown" in told.output(0)
    assert told.output(0).count("\n") == 1
    assert list(told.reports) == [0]


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"user": "nobody-here"}, 'no user "nobody-here"'),
        ({"image": "Not An Image"}, "is not an image name"),
        ({"user": "no-group:none"}, "no user"),
    ],
)
async def test_what_an_image_cannot_do_is_told(backend, engine, debian, tmp_path, keys, why):
    image = an_image(**{"image": debian, **keys})
    with pytest.raises(CannotOpen, match=why) as told:
        await said(backend, tmp_path, an_order(images=[image]), "true")
    assert not told.value.infrastructure
    assert engine.containers_below(tmp_path) == []


async def test_a_service_whose_command_is_not_there_is_the_users_affair(
    backend, engine, busybox, tmp_path
):
    service = an_image(busybox, command=("serve-nothing",))
    with pytest.raises(CannotOpen, match="serve-nothing") as told:
        await said(backend, tmp_path, an_order(images=[an_image(busybox), service]), "true")
    assert not told.value.infrastructure
    assert engine.containers_below(tmp_path) == []


async def test_an_image_without_a_shell_is_told(backend, engine, busybox, tmp_path):
    image = derived(engine, busybox, "shell-less", 'RUN ["/bin/busybox", "rm", "/bin/sh"]')
    with pytest.raises(CannotOpen, match="no /bin/sh"):
        await said(backend, tmp_path, an_order(image=image), "true")


async def test_an_image_whose_shell_this_machine_cannot_run_is_told(engine, busybox, tmp_path):
    """As one for another kind of processor."""
    foreign = "rm /bin/sh && cp /etc/passwd /bin/sh && chmod 755 /bin/sh"
    line = f'RUN ["/bin/busybox", "sh", "-c", "{foreign}"]'
    image = await asyncio.to_thread(derived, engine, busybox, "foreign-shell", line)
    server = FakeServer()
    async with a_runner(server, tmp_path, backend=DockerBackend(url=engine.url)):
        told = server.submit(an_order("true", image=image))
        await told.ended.wait()
    assert told.result.status is ExecutionStatus.FAILED, told.log()
    assert f'The image "{image}" cannot be used' in told.output(0)
    assert list(told.reports) == [0]


async def test_steps_are_stopped_in_images_without_setsid(engine, debian, busybox, tmp_path):
    """With bash by its job control; with neither, the whole job is stopped."""
    server = FakeServer()
    async with a_runner(server, tmp_path, backend=DockerBackend(url=engine.url), slots=1):
        for base, outcome in ((debian, "timedout"), (busybox, "timedout")):
            removal = "rm -f /usr/bin/setsid /bin/setsid"
            shell = '["/bin/sh", "-c", ' + f'"{removal}"]'
            image = derived(engine, base, "no-setsid", f"RUN {shell}")
            step = StepPlan(
                kind="run",
                name="hang",
                args={"command": "echo up; sleep 600", "no_output_timeout": "200ms"},
            )
            before = time.monotonic()
            told = server.submit(an_order(step, image=image))
            await told.ended.wait()
            assert told.steps() == [("hang", outcome)]
            assert time.monotonic() - before < 15
    assert engine.containers_below(tmp_path) == []


async def test_checkout_works_in_an_image_without_git(engine, busybox, tmp_path):
    repository = make_repository(tmp_path / "repository")
    head = git(repository, "rev-parse", "main")
    order = an_order(
        StepPlan(kind="checkout", name="Checkout code", args={}),
        "cat file; ls -d .git; id -u; touch new",
        images=[an_image(busybox, user="circleci")],
        checkout=CheckoutOrder(repository_url=f"file://{repository}", revision=head, branch="main"),
    )
    server = FakeServer()
    async with a_runner(server, tmp_path / "runner", backend=DockerBackend(url=engine.url)):
        told = server.submit(order)
        await told.ended.wait()
    assert told.result.status is ExecutionStatus.SUCCESS, told.log()
    assert told.output(3) == "two.git\n3434\n"


async def test_a_canceled_job_leaves_no_container(engine, debian, tmp_path):
    server = FakeServer()
    service = an_image(debian, name="idle", command=("sleep", "600"))
    async with a_runner(server, tmp_path, backend=DockerBackend(url=engine.url)):
        told = server.submit(
            an_order(
                "trap '' TERM; echo up; while :; do sleep 1; done",
                images=[an_image(debian), service],
            )
        )
        await told.until_log_has("up")
        before = time.monotonic()
        told.cancel.set()
        await told.ended.wait()
        assert time.monotonic() - before < 10
        assert told.result.status is ExecutionStatus.CANCELED
        assert engine.containers_below(tmp_path) == []


async def test_an_engine_that_is_not_there_is_told(tmp_path):
    backend = DockerBackend(url=f"unix://{tmp_path}/none.sock")
    why = await backend.why_unusable()
    assert why is not None
    assert "Start Docker or Podman" in why
    await backend.close()


@pytest.mark.parametrize(
    ("rule", "name", "image"),
    [
        ("cimg/*=local/base", "cimg/python:3.12", "local/base"),
        ("cimg/*=mirror.local/cimg/*", "cimg/go:1.22", "mirror.local/cimg/go:1.22"),
        ("postgres=local/pg:15", "postgres:16", "local/pg:15"),
        ("postgres=local/pg:15", "postgres@sha256:abc", "local/pg:15"),
        ("postgres=local/pg:15", "postgresql:16", "postgresql:16"),
        ("*=one", "host:5000/a/b:c", "one"),
    ],
)
def test_images_are_rewritten_by_rules(rule, name, image):
    assert rewritten(name, [parse_image_rule(rule), ImageRule("never", "used")]) == image


@pytest.mark.parametrize("text", ["", "cimg/*", "=x", "x="])
def test_a_rule_that_is_none_is_refused(text):
    with pytest.raises(Invalid, match="PATTERN=IMAGE"):
        parse_image_rule(text)


def test_credentials_may_name_variables():
    assert expanded("$USER:${PASS}$NONE", {"USER": "u", "PASS": "p"}) == "u:p"


def test_resource_classes_have_limits():
    assert limits_of("medium") == replace(limits_of("medium"), cpus=2)
    assert limits_of("large.gen2") == limits_of("large")
    assert limits_of("acme/own") is None
    assert limits_of(None) is None


async def test_a_database_answers_on_localhost_and_by_name(backend, engine, debian, tmp_path):
    redis = an_image(
        have(engine, REDIS), name="cache", command=("redis-server", "--protected-mode", "no")
    )
    script = """
        ask() {
          exec 3<>/dev/tcp/$1/6379
          printf '%s\\r\\n' "$2" >&3
          head -n "$3" <&3 | tail -n 1
        }
        until (: </dev/tcp/localhost/6379) 2>/dev/null; do sleep 0.05; done
        ask localhost 'SET colour blue' 1
        ask cache 'GET colour' 2
    """
    order = an_order(images=[an_image(debian), redis])
    assert await said(backend, tmp_path, order, script) == "+OK\r\nblue\r\n"


async def test_an_image_is_looked_up_once_and_again_when_it_is_gone(
    backend, engine, debian, busybox, tmp_path
):
    first = derived(engine, busybox, "moving", "RUN touch /first")
    script = "[ -e /first ] && echo first || echo second"
    assert await said(backend, tmp_path, an_order(image=first), script) == "first\n"
    engine.docker("rmi", first)
    engine.docker("tag", debian, first)
    assert await said(backend, tmp_path, an_order(image=first), script) == "second\n"
    engine.docker("rmi", first)
