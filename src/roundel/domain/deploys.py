"""Deploy markers: which version of a component was put where, and by which job."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NewType, Protocol

from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid
from roundel.domain.ids import JobId, OrganizationId, PipelineId, ProjectId, WorkflowId
from roundel.domain.records import dataclass

EnvironmentId = NewType("EnvironmentId", str)
ComponentId = NewType("ComponentId", str)

LONGEST_NAME = 200
MOST_NAMES = 500  # environments of one organisation, components of one project
MOST_PLANS = 100  # of one pipeline
LONGEST_REASON = 1000  # of a failed release; the rest is cut off
MOST_VERSIONS = 100  # shown of one component, the newest


class ReleaseDeed(StrEnum):
    """What a job does about a release: `circleci run release …`."""

    LOG = "log"  # it is there
    PLAN = "plan"  # it is to come, under a name
    UPDATE = "update"  # how what was planned goes


class ReleaseStatus(StrEnum):
    """How a planned release goes."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


_STATUSES = frozenset(status.value for status in ReleaseStatus)
RELEASE_OVER = frozenset({ReleaseStatus.SUCCESS, ReleaseStatus.FAILED, ReleaseStatus.CANCELED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a job says that it has deployed, is going to deploy, or how that goes."""

    component: str = ""
    environment: str = ""
    version: str = ""
    namespace: str = ""
    deed: ReleaseDeed = ReleaseDeed.LOG
    plan: str = ""  # the name of what was planned
    status: str = ""  # of an update, in either case
    reason: str = ""  # why it failed

    def check(self) -> None:
        """Refuse what is absent, unknown, or longer than LONGEST_NAME."""
        names = {
            "--component-name": self.component,
            "--environment-name": self.environment,
            "--target-version": self.version,
        }
        wanted = {
            ReleaseDeed.LOG: names,
            ReleaseDeed.PLAN: {"the name of the release": self.plan, **names},
            ReleaseDeed.UPDATE: {"the name of the release": self.plan, "--status": self.status},
        }
        for flag, text in wanted[self.deed].items():
            if not text.strip():
                raise Invalid(f"run release {self.deed} needs {flag}")
        if self.deed is ReleaseDeed.UPDATE and self.status.upper() not in _STATUSES:
            known = ", ".join(ReleaseStatus)
            raise Invalid(f"--status must be one of {known}, it is {self.status[:40]!r}")
        for text in (*names.values(), self.namespace, self.plan):
            if len(text) > LONGEST_NAME:
                raise Invalid(f"names and versions have at most {LONGEST_NAME} characters: {text}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRelease:
    """A release that a job of a pipeline has planned, and how it goes."""

    pipeline_id: PipelineId
    name: str
    component: str
    environment: str
    version: str
    namespace: str
    status: ReleaseStatus
    reason: str = ""
    created_at: Micros
    updated_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where an organisation's components are deployed to."""

    id: EnvironmentId
    organization_id: OrganizationId
    name: str
    created_at: Micros
    updated_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What a project deploys.  `releases` counts the markers."""

    id: ComponentId
    organization_id: OrganizationId
    project_id: ProjectId
    name: str
    releases: int
    created_at: Micros
    updated_at: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of a component in an environment, and the job that put it there last."""

    component_id: ComponentId
    environment_id: EnvironmentId
    namespace: str
    name: str
    pipeline_id: PipelineId
    workflow_id: WorkflowId
    job_id: JobId
    job_number: int
    deployed_at: Micros


class Deploys(Protocol):
    """Where markers are kept."""

    def environment(self, wanted: Environment, most: int) -> Environment:
        """Return the organisation's environment of this name, adding it if there is none.

        Refuse one more than `most`.
        """

    def component(self, wanted: Component, most: int) -> Component:
        """Return the project's component of this name, adding it if there is none.

        Refuse one more than `most`.
        """

    def deployed(
        self, project_id: ProjectId, component: str, environment: str, namespace: str
    ) -> Sequence[Version]:
        """Return the newest MOST_VERSIONS versions by those names, the live one first."""

    def planned(self, pipeline_id: PipelineId, name: str) -> PlannedRelease | None:
        """Return what was planned in a pipeline under a name."""

    def plan(self, release: PlannedRelease) -> None:
        """Keep what is planned, in the place of what was under its name.

        Refuse one more than MOST_PLANS.
        """

    def mark(self, version: Version) -> None:
        """Keep a version, in the place of what is known of the same one; count it."""


class DeployReads(Protocol):
    """What the doors read of markers."""

    async def environment(self, environment_id: EnvironmentId) -> Environment | None: ...

    async def environments(
        self, organization: OrganizationId, *, after: tuple[Micros, str] | None, limit: int
    ) -> Sequence[Environment]:
        """Return an organisation's environments in the order of their making."""

    async def component(self, component_id: ComponentId) -> Component | None: ...

    async def components(
        self,
        organization: OrganizationId,
        project: ProjectId | None,
        *,
        after: tuple[Micros, str] | None,
        limit: int,
    ) -> Sequence[Component]:
        """Return an organisation's components, or those of one project of it."""

    async def planned(self, pipeline_id: PipelineId) -> Sequence[PlannedRelease]:
        """Return what was planned in a pipeline, in the order of planning."""

    async def versions(
        self, component: ComponentId, environment: EnvironmentId | None
    ) -> Sequence[Version]:
        """Return the versions of a component that were deployed last, newest first."""
