"""`circleci` inside a job, in each of the shells that images have."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from roundel.domain.storage import FailedTest
from tests.unit.runner.circleci_script import Circleci


def plant(tree: Path, *paths: str) -> None:
    for path in paths:
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(path)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (
            ["foo/**/*.py"],
            ["foo/.h/t5.py", "foo/t1.py", "foo/t2.py", "foo/x/t3.py", "foo/x/y/t4.py"],
        ),
        (["**/t[13].py"], ["foo/t1.py", "foo/x/t3.py"]),
        (
            ["**/t[!13].py", "foo/t1.py"],
            ["foo/.h/t5.py", "foo/t1.py", "foo/t2.py", "foo/x/y/t4.py"],
        ),
        (["**/t[^135].py"], ["foo/t2.py", "foo/x/y/t4.py"]),
        (["foo/*"], ["foo/.h", "foo/a b.txt", "foo/t1.py", "foo/t2.py", "foo/x"]),
        (["foo/t?.py"], ["foo/t1.py", "foo/t2.py"]),
        (["foo/{t1,x/t3}.py"], ["foo/t1.py", "foo/x/t3.py"]),
        (["foo/{x/{t3,y/t4},t2}.py"], ["foo/t2.py", "foo/x/t3.py", "foo/x/y/t4.py"]),
        (["./foo/x/*.py"], ["foo/x/t3.py"]),
        (["foo/x/**"], ["foo/x/t3.py", "foo/x/y", "foo/x/y/t4.py"]),
        (["**/**/t4.py"], ["foo/x/y/t4.py"]),
        (["foo//x/t3.py"], ["foo/x/t3.py"]),
        (["foo/a b.txt"], ["foo/a b.txt"]),
        (["foo/a*"], ["foo/a b.txt"]),
        (["none/**/*.py", "foo/{open"], []),
        (["*/t1.py", "foo/t1.py"], ["foo/t1.py"]),
    ],
)
async def test_glob_finds_what_matches(
    circleci: Circleci, patterns: list[str], expected: list[str]
) -> None:
    plant(circleci.tree, "foo/t1.py", "foo/t2.py", "foo/x/t3.py", "foo/x/y/t4.py", "foo/.h/t5.py")
    plant(circleci.tree, "foo/a b.txt", "bar.txt")
    code, out, err = await circleci("tests", "glob", *patterns)
    assert (code, out.splitlines(), err) == (0, expected, "")


async def test_glob_knows_absolute_paths_and_does_not_follow_links_round(
    circleci: Circleci,
) -> None:
    plant(circleci.tree, "d/t.py")
    (circleci.tree / "d" / "loop").symlink_to("..")
    _, out, _ = await circleci("tests", "glob", f"{circleci.tree}/**/*.py")
    assert out == f"{circleci.tree}/d/t.py\n"


async def test_glob_finds_each_of_some_thousand_files(circleci: Circleci) -> None:
    plant(circleci.tree, *(f"d{n % 50}/e{n % 7}/test_{n}.py" for n in range(3000)))
    _, out, _ = await circleci("tests", "glob", "**/*_[0-9]*.py")
    assert len(set(out.splitlines())) == 3000


async def test_split_deals_by_name_over_the_nodes(circleci: Circleci) -> None:
    circleci.environment = {"CIRCLE_NODE_INDEX": "1", "CIRCLE_NODE_TOTAL": "2"}
    assert await circleci("tests", "split", given="c\na\nb\n") == (0, "b\n", "")
    assert await circleci("tests", "split", "--index=0", given="c\n\na\nb") == (0, "a\nc\n", "")
    assert (await circleci("tests", "split", "--total", "1", "--index", "0", given="c a b"))[1] == (
        "a\nb\nc\n"
    )


async def test_split_reads_files_and_shows_counts(circleci: Circleci) -> None:
    (circleci.tree / "list").write_text("a\nb c\n$x `y`\n")
    words = ("tests", "split", "--total=2", "--index=0", "--show-counts", "list")
    code, out, err = await circleci(*words)
    assert (code, out, err) == (0, "$x `y`\nb c\n", "2 of 3 tests for node 0 of 2\n")
    code, _, err = await circleci("tests", "split", "no-such-list")
    assert code == 1
    assert "no-such-list" in err


async def test_split_by_size_and_by_times(circleci: Circleci) -> None:
    (circleci.tree / "a'b.py").write_text("x" * 900)
    (circleci.tree / "c d.py").write_text("x" * 500)
    (circleci.tree / "e.py").write_text("x" * 500)
    split = ("tests", "split", "--total=2", "--index=1")
    _, out, err = await circleci(*split, "--split-by=filesize", given="a'b.py\nc d.py\ne.py\n")
    assert (out, err) == ("c d.py\ne.py\n", "")
    _, out, err = await circleci(
        *split, "--split-by=timings", "--timings-type=filename", given="c.py\nb.py\na.py\n"
    )
    assert (out, err) == ("c.py\nb.py\n", "")
    _, out, err = await circleci(*split, "--split-by", "timings", given="x\ny\n")
    assert (out, err) == (
        "y\n",
        "Error auto-detecting timing type, falling back to weighting by name.\n",
    )


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--split-by=luck", "--split-by must be name, filesize or timings"),
        ("--index=5", "--index must be less than --total"),
        ("--total=many", "--total must be a whole number"),
        ("--sort", "the flag --sort needs a value"),
        ("--sort=x", "unknown flag --sort"),
        ("-x", "unknown flag -x"),
    ],
)
async def test_wrong_flags_are_answered_in_words(
    circleci: Circleci, flag: str, message: str
) -> None:
    code, out, err = await circleci("tests", "split", flag, given="a\n")
    assert code != 0
    assert out == ""
    assert message in err


async def test_run_gives_the_share_to_the_command(circleci: Circleci) -> None:
    circleci.environment = {"CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "2"}
    run = ("tests", "run", "--verbose", "--split-by=name")
    code, out, _ = await circleci(*run, "--command=xargs echo run", given="a\nb\nc\n")
    assert (code, out) == (0, "run a c\n")
    code, _, _ = await circleci(*run, "--command", "cat >/dev/null; exit 3", given="a\n")
    assert code == 3
    code, out, _ = await circleci(*run, "--index=1", "--command=exit 9", given="a\n")
    assert (code, out) == (0, "No tests for this node.\n")
    code, _, err = await circleci("tests", "run", given="a\n")
    assert (code, "needs --command" in err) == (2, True)


async def test_run_takes_only_what_failed_in_a_rerun_of_failed_tests(circleci: Circleci) -> None:
    circleci.failed = [FailedTest(name="it", classname="", file=name) for name in ("b", "c")]
    run = ("tests", "run", "--command=xargs echo run")
    code, out, err = await circleci(*run, given="a\nb\nc\n")
    assert (code, out, err) == (0, "run b c\n", "Rerun of failed tests: 2 of 3 names.\n")
    circleci.environment = {"CIRCLE_NODE_INDEX": "1", "CIRCLE_NODE_TOTAL": "2"}
    assert (await circleci(*run, given="a\nb\nc\n"))[1] == "run c\n"
    circleci.failed = []
    assert (await circleci(*run, given="a\n"))[1] == "No tests for this node.\n"
    split = await circleci("tests", "split", given="a\nb\nc\n")
    assert split[1] == "b\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A-${A}-$A$B", "one-one-one"),
        ("[$NOT_SET][${NOT_SET}]", "[][]"),
        ("${NOT_SET:-d} ${B:-d} ${B-d} ${A:-d} ${NOT_SET=d}", "d d  one d"),
        ("${A:+x} ${B:+x} ${B+x}", "x  x"),
        ("$$A $ $1 ${1} ${A!} ${", "$A $ $1 ${1} ${A!} ${"),
        ("'\"\\ `date` $(date) $SPACES *", "'\"\\ `date` $(date) a  b *"),
        ("a\nb $A\n\n", "a\nb one\n\n"),
        ("plain", "plain"),
    ],
)
async def test_env_subst_replaces_variables_only(
    circleci: Circleci, text: str, expected: str
) -> None:
    circleci.environment = {"A": "one", "B": "", "SPACES": "a  b"}
    assert await circleci("env", "subst", given=text) == (0, expected, "")
    assert await circleci("env", "subst", "--", text) == (0, expected + "\n", "")


async def test_halt_leaves_its_mark(circleci: Circleci, job: Path) -> None:
    assert (await circleci("step", "halt"))[0] == 0
    assert (job / "halt").exists()


@pytest.mark.parametrize(
    ("flags", "claims", "root"),
    [
        ([], {}, False),
        (["--claims", '{"aud": "sts.example"}'], {"aud": "sts.example"}, False),
        (['--claims={\n"aud": ["a", "b"]}', "--root-issuer"], {"aud": ["a", "b"]}, True),
    ],
)
async def test_a_token_is_printed_and_hidden_in_output(
    circleci: Circleci, flags: list[str], claims: Mapping[str, object], root: bool
) -> None:
    assert await circleci("run", "oidc", "get", *flags) == (0, "head.body.tail\n", "")
    assert circleci.asked == [(claims, root)]
    assert circleci.hidden == ["head.body.tail"]


@pytest.mark.parametrize(
    ("flags", "code", "why"),
    [
        (["--claims", "aud=x"], 1, "must be a JSON object"),
        (["--claims", '["aud"]'], 1, "must be a JSON object"),
        (["--claims"], 2, "needs a value"),
        (["--audience", "x"], 2, "unknown argument --audience"),
    ],
)
async def test_a_token_with_claims_that_are_none_is_refused(
    circleci: Circleci, flags: list[str], code: int, why: str
) -> None:
    answer = await circleci("run", "oidc", "get", *flags)
    assert (answer[0], answer[1]) == (code, "")
    assert why in answer[2]
    assert circleci.asked == []


async def test_what_the_server_says_of_a_token_is_told(circleci: Circleci) -> None:
    circleci.refusal = "a fork gets none"
    answer = await circleci("run", "oidc", "get")
    assert answer == (1, "", "circleci: a fork gets none\n")


async def test_what_is_not_known_goes_to_the_program_of_the_image(
    circleci: Circleci, tmp_path: Path
) -> None:
    code, _, err = await circleci("orb", "list")
    assert code == 2
    assert '"orb list" is not available in jobs here' in err
    own = tmp_path / "image"
    own.mkdir()
    (own / "circleci").write_text("#!/bin/sh\necho own: $# $2\n")
    (own / "circleci").chmod(0o755)
    circleci.environment = {"PATH": f"{own}:{os.environ['PATH']}"}
    assert await circleci("orb", "a  b") == (0, "own: 2 a b\n", "")


async def test_nothing_is_left_in_the_job_folder(circleci: Circleci, job: Path) -> None:
    before = _names(job)
    await circleci("tests", "split", given="a\n")
    assert _names(job) == before == {"bin", "circleci", "events"}


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}
