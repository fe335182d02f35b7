"""Pipeline definitions and triggers: made, changed and removed by those who may write."""

import hashlib
import secrets
from dataclasses import replace

from roundel.domain.definitions import (
    MOST_DEFINITIONS,
    MOST_TRIGGERS,
    CheckoutSource,
    ConfigSource,
    Definition,
    DefinitionId,
    PipelineTrigger,
    PipelineTriggerId,
    SourceProvider,
    SourceRepository,
)
from roundel.domain.errors import Invalid, NotFound
from roundel.domain.ids import ProjectId, is_uuid, new_id
from roundel.domain.presets import EventPreset
from roundel.domain.projects import Project
from roundel.domain.records import dataclass
from roundel.services.work import App, Tx

NO_DEFINITION = "Pipeline definition not found."
NO_TRIGGER = "Trigger not found."
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceWanted:
    """A source as a client names it; without a repository that of the project itself."""

    provider: SourceProvider
    external_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDefinition:
    """Let a project run a config of one repository on the checkout of another."""

    project: Project
    name: str
    description: str
    config: SourceWanted
    file_path: str
    checkout: SourceWanted


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDefinition:
    """Change what is not None."""

    definition: Definition
    name: str | None = None
    description: str | None = None
    file_path: str | None = None
    checkout: SourceWanted | None = None


async def create_definition(command: CreateDefinition, app: App) -> Definition:
    """Return the new definition; refuse repositories that the organization has not registered."""
    at, project = app.clock.now(), command.project

    def transaction(tx: Tx) -> Definition:
        if len(tx.definitions.of_project(project.id)) >= MOST_DEFINITIONS:
            raise Invalid(f"A project has {MOST_DEFINITIONS} pipeline definitions at most.")
        config, checkout = command.config, command.checkout
        definition = Definition(
            id=DefinitionId(new_id()),
            project_id=project.id,
            name=command.name,
            description=command.description,
            config=ConfigSource(
                provider=config.provider,
                repository=_repository(tx, project, config.external_id, "config_source"),
                file_path=command.file_path,
            ),
            checkout=CheckoutSource(
                provider=checkout.provider,
                repository=_repository(tx, project, checkout.external_id, "checkout_source"),
            ),
            created_at=at,
        )
        tx.definitions.add(definition)
        return definition

    return await app.database.write(transaction)


async def change_definition(command: ChangeDefinition, project: Project, app: App) -> Definition:
    """Return the definition as it is now."""

    def transaction(tx: Tx) -> Definition:
        before = tx.definitions.get(command.definition.id)
        if before is None:
            raise NotFound(NO_DEFINITION)
        after = before
        if command.name is not None:
            after = replace(after, name=command.name)
        if command.description is not None:
            after = replace(after, description=command.description)
        if command.file_path is not None:
            after = replace(after, config=replace(after.config, file_path=command.file_path))
        if command.checkout is not None:
            wanted = command.checkout
            found = _repository(tx, project, wanted.external_id, "checkout_source")
            source = CheckoutSource(
                provider=wanted.provider, repository=found or after.checkout.repository
            )
            after = replace(after, checkout=source)
        tx.definitions.save(after)
        return after

    return await app.database.write(transaction)


async def remove_definition(definition: Definition, app: App) -> None:
    """Remove a definition with its triggers; its pipelines stay.

    Rollbacks of a project that ran it run workflows again from then on.
    """
    if definition.is_default:
        raise Invalid("The default definition stays as long as its project.")

    def transaction(tx: Tx) -> None:
        tx.definitions.remove(definition.id)
        settings = tx.settings.of_project(definition.project_id)
        if settings.rollback_pipeline_definition_id == definition.id:
            without = replace(settings, rollback_pipeline_definition_id=None)
            tx.settings.save_project(definition.project_id, without)

    await app.database.write(transaction)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTrigger:
    """Let events of a repository, or calls to an address, start a definition's pipelines."""

    project: Project
    definition: DefinitionId
    source: SourceWanted
    preset: EventPreset | None = None
    checkout_ref: str = ""
    config_ref: str = ""
    event_name: str = ""
    sender: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedTrigger:
    """A trigger just made; the secret of a webhook's address is shown this once."""

    trigger: PipelineTrigger
    secret: str | None


async def create_trigger(command: CreateTrigger, app: App) -> CreatedTrigger:
    """Return the new trigger; a webhook's gets an address of its own with a secret in it."""
    at, project = app.clock.now(), command.project
    by_webhook = command.source.provider is SourceProvider.WEBHOOK
    if by_webhook and command.preset is not None:
        raise Invalid("event_preset: a webhook has no events of a repository to choose from")
    if command.source.provider is SourceProvider.CIRCLECI:
        raise Invalid("event_source.provider: circleci sends no events")
    secret = secrets.token_hex(SECRET_BYTES) if by_webhook else None

    def transaction(tx: Tx) -> PipelineTrigger:
        definition = tx.definitions.get(command.definition)
        if definition is None or definition.project_id != project.id:
            raise NotFound(NO_DEFINITION)
        if len(tx.definitions.triggers(definition.id)) >= MOST_TRIGGERS:
            raise Invalid(f"A pipeline definition has {MOST_TRIGGERS} triggers at most.")
        repository = None
        if not by_webhook:
            named = command.source.external_id
            repository = _repository(tx, project, named, "event_source") or _own(project)
        trigger = PipelineTrigger(
            id=PipelineTriggerId(new_id()),
            definition_id=definition.id,
            project_id=project.id,
            provider=command.source.provider,
            repository=repository,
            preset=None if by_webhook else command.preset or EventPreset.ALL_PUSHES,
            checkout_ref=command.checkout_ref,
            config_ref=command.config_ref,
            event_name=command.event_name,
            sender=command.sender,
            disabled=command.disabled,
            secret_digest=None if secret is None else digest_of_secret(secret),
            created_at=at,
        )
        tx.definitions.add_trigger(trigger)
        return trigger

    return CreatedTrigger(trigger=await app.database.write(transaction), secret=secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTrigger:
    """Change what is not None."""

    trigger: PipelineTriggerId
    preset: EventPreset | None = None
    checkout_ref: str | None = None
    config_ref: str | None = None
    event_name: str | None = None
    disabled: bool | None = None
    sender: str | None = None


async def change_trigger(command: ChangeTrigger, app: App) -> PipelineTrigger:
    """Return the trigger as it is now."""

    def transaction(tx: Tx) -> PipelineTrigger:
        found = tx.definitions.trigger(command.trigger)
        if found is None:
            raise NotFound(NO_TRIGGER)
        after = found
        if command.preset is not None:
            if after.provider is SourceProvider.WEBHOOK:
                raise Invalid("event_preset: a webhook has no events of a repository")
            after = replace(after, preset=command.preset)
        if command.checkout_ref is not None:
            after = replace(after, checkout_ref=command.checkout_ref)
        if command.config_ref is not None:
            after = replace(after, config_ref=command.config_ref)
        if command.event_name is not None:
            after = replace(after, event_name=command.event_name)
        if command.disabled is not None:
            after = replace(after, disabled=command.disabled)
        if command.sender is not None:
            after = replace(after, sender=command.sender)
        tx.definitions.save_trigger(after)
        return after

    return await app.database.write(transaction)


async def remove_trigger(trigger_id: PipelineTriggerId, app: App) -> None:
    """Remove a trigger; its pipelines stay."""
    await app.database.write(lambda tx: tx.definitions.remove_trigger(trigger_id))


def digest_of_secret(secret: str) -> bytes:
    """Return what is kept of the secret in a webhook's address."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def _own(project: Project) -> SourceRepository:
    slug = project.slug
    return SourceRepository(
        project_id=project.id,
        external_id=project.id,
        full_name=f"{slug.organization}/{slug.project}",
    )


def _repository(
    tx: Tx, project: Project, external_id: str | None, source: str
) -> SourceRepository | None:
    """Return the repository that a client names: by its host's id, or by its project's id here.

    Only repositories of the organisation's projects: what the server can read besides is nobody's
    to name.
    """
    if external_id is None:
        return None
    projects = {it.id: it for it in tx.projects.of_organization(project.organization.id)}
    # The own project first, where several are built from one repository.
    among = (project.id, *projects)
    text = external_id.lower()
    found: ProjectId | None = ProjectId(text) if is_uuid(text) and text in projects else None
    found = found or tx.definitions.repository(among, external_id)
    if found is None:
        raise Invalid(
            f"{source}.repo.external_id: {external_id[:80]!r} is no repository of"
            f" {project.organization.slug}; give the id of one of its projects, or the id under"
            " which a connected git host knows the repository"
        )
    slug = projects[found].slug
    return SourceRepository(
        project_id=found,
        external_id=external_id,
        full_name=f"{slug.organization}/{slug.project}",
    )
