"""Deploy markers: which version of a component was put where, and by which job."""

from collections.abc import Sequence
from typing import NewType, Protocol

from roundel.domain.clock import Micros
from roundel.domain.errors import Invalid
from roundel.domain.ids import JobId, OrganizationId, PipelineId, ProjectId, WorkflowId
from roundel.domain.records import dataclass

EnvironmentId = NewType("EnvironmentId", str)
ComponentId = NewType("ComponentId", str)

LONGEST_NAME = 200
MOST_NAMES = 500  # environments of one organisation, components of one project
MOST_VERSIONS = 100  # shown of one component, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a job says that it has deployed."""

    component: str
    environment: str
    version: str
    namespace: str = ""

    def check(self) -> None:
        """Refuse names that are absent or longer than LONGEST_NAME."""
        for flag, text in (
            ("--component-name", self.component),
            ("--environment-name", self.environment),
            ("--target-version", self.version),
        ):
            if not text.strip():
                raise Invalid(f"run release log needs {flag}")
        for text in (self.component, self.environment, self.version, self.namespace):
            if len(text) > LONGEST_NAME:
                raise Invalid(f"names and versions have at most {LONGEST_NAME} characters: {text}")


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

    async def versions(
        self, component: ComponentId, environment: EnvironmentId | None
    ) -> Sequence[Version]:
        """Return the versions of a component that were deployed last, newest first."""
