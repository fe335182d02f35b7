"""How `roundel why` reads the name of a job."""

import pytest

from roundel.cli.output import Failure
from roundel.cli.why import path_of

ID = "018e2d5f-0000-7000-8000-00000000ffff"


@pytest.mark.parametrize(
    ("job", "path"),
    [
        (ID, f"/api/v2/jobs/{ID}/why"),
        ("gh/acme/web/12", "/api/v2/project/gh/acme/web/job/12/why"),
        ("gh/ac me/web/12", "/api/v2/project/gh/ac%20me/web/job/12/why"),
    ],
)
def test_a_job_is_named_by_id_or_by_project_and_number(job: str, path: str):
    assert path_of(job) == path


@pytest.mark.parametrize("job", ["", "12", "web/12", "gh/acme/web", "gh/acme/web/x", "a/b/c/d/1"])
def test_anything_else_is_refused_with_an_example(job: str):
    with pytest.raises(Failure, match="gh/acme/web/12"):
        path_of(job)
