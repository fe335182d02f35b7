"""The table of all pages: what is not in it is not served."""

from roundel.web.page import AnyPage
from roundel.web.pages import (
    accounts,
    badges,
    dashboard,
    feeds,
    insights,
    jobs,
    lines,
    organization_audit,
    organization_contexts,
    organization_groups,
    organization_overview,
    organization_people,
    organization_rules,
    organization_runners,
    organization_usage,
    pipelines,
    project_keys,
    project_overview,
    project_schedules,
    project_variables,
    project_webhooks,
    projects,
    searches,
    signing_in,
    small,
    streams,
)

MODULES = (
    small,
    signing_in,
    dashboard,
    searches,
    projects,
    pipelines,
    jobs,
    lines,
    streams,
    badges,
    feeds,
    insights,
    accounts,
    organization_audit,
    organization_contexts,
    organization_groups,
    organization_overview,
    organization_people,
    organization_rules,
    organization_runners,
    organization_usage,
    project_keys,
    project_overview,
    project_schedules,
    project_variables,
    project_webhooks,
)


def pages() -> list[AnyPage]:
    """Return the rows; of two that fit a path the first is taken."""
    return [page for module in MODULES for page in module.PAGES]
