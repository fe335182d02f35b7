"""Images: which one a config's name stands for here, and having it on the engine."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiodocker import Docker
from aiodocker.exceptions import DockerError

from roundel.backends.docker.faults import ENGINE_ERRORS, NO_ENGINE, not_pulled, unreachable
from roundel.backends.docker.logins import login_for
from roundel.backends.protocol import CannotOpen
from roundel.domain.errors import Invalid
from roundel.domain.plan import ImagePlan
from roundel.domain.records import dataclass

PRESERVE_LABEL = "com.circleci.preserve-entrypoint"


@dataclass(frozen=True, slots=True)
class ImageRule:
    """`PATTERN=IMAGE` of `--image-map`.  A `*` in IMAGE is what the pattern's `*` stood for."""

    pattern: str
    image: str

    def applied(self, name: str) -> str | None:
        """Return what `name` is rewritten to, or None where the rule does not fit."""
        expression = "(.*)".join(re.escape(part) for part in self.pattern.split("*"))
        match = re.fullmatch(expression, name) or re.fullmatch(expression, _untagged(name))
        if match is None:
            return None
        found = iter(match.groups())
        return re.sub(r"\*", lambda _: next(found, ""), self.image)


def parse_image_rule(text: str) -> ImageRule:
    """Read `PATTERN=IMAGE`.  Raise Invalid."""
    pattern, equals, image = text.partition("=")
    if not (pattern.strip() and equals and image.strip()):
        raise Invalid(f'"{text}" is not PATTERN=IMAGE, as in cimg/*=registry.local/ci-base')
    return ImageRule(pattern.strip(), image.strip())


def rewritten(name: str, rules: Iterable[ImageRule]) -> str:
    """Return the image to use for `name`; the first rule that fits counts."""
    return next((image for rule in rules if (image := rule.applied(name)) is not None), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that the engine has."""

    name: str
    id: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    preserve_entrypoint: bool
    checks_health: bool = False  # the engine runs a program of the image's now and then


IMAGE_SECONDS = 10.0  # for which an image is not looked up again; a tag may move, and it may go
PROGRESS_SECONDS = 0.25  # between two words about how far a pull is

OnProgress = Callable[[str, int, int | None], None]
"""Hears of a pull: the image, bytes that have come, and bytes in all where they are known."""


class Images:
    """The engine's images by the names that configs have for them."""

    def __init__(
        self, engine: Callable[[], Docker], rules: Iterable[ImageRule], pull_seconds: float
    ) -> None:
        self._engine = engine
        self._rules = tuple(rules)
        self._pull_seconds = pull_seconds
        self._known: dict[str, tuple[Image, float]] = {}  # with when to look again

    def name_of(self, plan: ImagePlan) -> str:
        """Return what an image is called here."""
        return rewritten(plan.image, self._rules)

    async def here(self, plan: ImagePlan) -> Image | None:
        """Return the image; None where the engine does not have it.  Raise CannotOpen."""
        name = self.name_of(plan)
        known, until = self._known.get(name, (None, 0.0))
        if known is not None and time.monotonic() < until:
            return known
        described = await _inspect(self._engine(), name)
        if described is None:
            return None
        found = _image(name, described)
        self._known[name] = (found, time.monotonic() + IMAGE_SECONDS)
        return found

    async def have(
        self, plan: ImagePlan, environment: Mapping[str, str], on_progress: OnProgress
    ) -> Image:
        """Return the image, pulled only if it is not here.  Raise CannotOpen."""
        if (found := await self.here(plan)) is not None:
            return found
        name = self.name_of(plan)
        try:
            async with asyncio.timeout(self._pull_seconds):
                await _pull(self._engine(), name, plan, environment, on_progress)
        except TimeoutError as error:
            raise CannotOpen(
                f'The image "{name}" did not come within {self._pull_seconds:.0f} s: is its '
                "registry up, and the way there open?",
                infrastructure=True,
            ) from error
        if (found := await self.here(plan)) is not None:
            return found
        raise CannotOpen(f'The image "{name}" was pulled and is not there.', infrastructure=True)

    def forget(self, plan: ImagePlan) -> bool:
        """Look an image up anew the next time; tell whether that may find something else."""
        return self._known.pop(self.name_of(plan), None) is not None


def _image(name: str, described: Mapping[str, Any]) -> Image:
    config = described.get("Config") or {}
    labels = config.get("Labels") or {}
    return Image(
        name=name,
        id=str(described.get("Id", "")),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        preserve_entrypoint=labels.get(PRESERVE_LABEL) == "true",
        checks_health=bool(config.get("Healthcheck")),
    )


async def _inspect(docker: Docker, name: str) -> dict[str, Any] | None:
    try:
        return await docker.images.inspect(name)
    except DockerError as error:
        if error.status == 404:
            return None
        if error.status == 400:
            raise CannotOpen(
                f'"{name}" is not an image name: {error.message}', infrastructure=False
            ) from error
        raise unreachable(error) from error
    except ENGINE_ERRORS as error:
        raise unreachable(error) from error


async def _pull(
    docker: Docker,
    name: str,
    plan: ImagePlan,
    environment: Mapping[str, str],
    on_progress: OnProgress,
) -> None:
    login = await login_for(name, plan, environment)
    try:
        wanted = _with_host(name) if login else name
        layers: dict[str, tuple[int, int]] = {}
        told = 0.0
        async for said in docker.images.pull(wanted, auth=login, stream=True):
            if "error" in said:
                raise not_pulled(name, str(said["error"]))
            detail = said.get("progressDetail") or {}
            if said.get("status") == "Downloading" and detail.get("total"):
                layers[str(said.get("id"))] = (int(detail["current"]), int(detail["total"]))
            if not told or time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                done = sum(current for current, _ in layers.values())
                on_progress(name, done, sum(total for _, total in layers.values()) or None)
    except DockerError as error:
        if error.status == NO_ENGINE:
            raise unreachable(error) from error
        raise not_pulled(name, error.message) from error
    except ENGINE_ERRORS as error:
        raise unreachable(error) from error


def _untagged(name: str) -> str:
    head, colon, tag = name.partition("@")[0].rpartition(":")
    return head if colon and "/" not in tag else name.partition("@")[0]


def _with_host(name: str) -> str:
    host, slash, _ = name.partition("/")
    if slash and ("." in host or ":" in host or host == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"
