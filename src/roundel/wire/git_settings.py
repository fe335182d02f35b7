"""Settings for one git command, as variables: nothing of them stands in a command or in a file."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

# Asked by git, and by git alone, when the server wants to know who we are.
_HELPER = '!f() { echo "username=$_RD_GIT_USER"; echo "password=$_RD_GIT_PASSWORD"; }; f'


# By which a hook's git leads every git below it to its own repository.
_OF_ONE_REPOSITORY = frozenset(
    (
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"),
        *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_SHALLOW_FILE"),
        *("GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE", "GIT_QUARANTINE_PATH"),
        "GIT_REPLACE_REF_BASE",
    )
)


def undirected_environment() -> dict[str, str]:
    """Return our environment without what would lead git to another repository than is said."""
    return {name: value for name, value in os.environ.items() if name not in _OF_ONE_REPOSITORY}


def git_settings(settings: Mapping[str, str], after: int = 0) -> dict[str, str]:
    """Return the variables that set `settings`, where `after` others are set already."""
    values = {"GIT_CONFIG_COUNT": str(after + len(settings))}
    for number, (key, value) in enumerate(settings.items(), after):
        values |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return values


def asking_for_password(url: str) -> dict[str, str]:
    """Return the settings by which git asks for a password at the host of `url` and nowhere else.

    It forgets every other helper first, as some write down what has worked.
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return {"credential.helper": "", f"credential.{parts.scheme}://{host}.helper": _HELPER}


def password_variables(username: str, password: str) -> dict[str, str]:
    """Return the variables in which the password waits for that question."""
    return {"_RD_GIT_USER": username or "git", "_RD_GIT_PASSWORD": password}
