"""Which names stand for tests that failed before."""

import pytest

from roundel.domain.storage import FailedTest
from roundel.runner.failed_tests import only_failed

PYTHON = ["tests/test_a.py", "tests/test_b.py", "tests/deep/test_a.py"]
JAVA = ["src/test/java/com/acme/FooTest.java", "src/test/java/com/acme/BarTest.java"]
CLASSES = ["com.acme.FooTest", "com.acme.BarTest"]


def failed(file: str | None = None, classname: str = "", name: str = "it") -> FailedTest:
    return FailedTest(file=file, classname=classname, name=name)


@pytest.mark.parametrize(
    ("items", "test", "found"),
    [
        (PYTHON, failed("tests/test_b.py"), ["tests/test_b.py"]),
        (PYTHON, failed("./tests/test_b.py"), ["tests/test_b.py"]),
        (["./tests/test_b.py"], failed("tests/test_b.py"), ["./tests/test_b.py"]),
        (PYTHON, failed("/root/project/tests/test_b.py"), ["tests/test_b.py"]),
        (PYTHON, failed("deep/test_a.py"), ["tests/deep/test_a.py"]),
        (PYTHON, failed(None, "tests.test_b"), ["tests/test_b.py"]),
        (PYTHON, failed(None, "tests.test_a.TestIt"), ["tests/test_a.py"]),
        (PYTHON, failed(None, "tests.deep.test_a.TestIt.Inner"), ["tests/deep/test_a.py"]),
        (CLASSES, failed(None, "com.acme.FooTest"), ["com.acme.FooTest"]),
        (JAVA, failed(None, "com.acme.FooTest"), JAVA[:1]),
        (JAVA, failed("com/acme/FooTest.java", "com.acme.FooTest"), JAVA[:1]),
        (["adds", "divides"], failed(None, "", "divides"), ["divides"]),
        (["github.com/acme/a", "github.com/acme/b"], failed(None, "github.com/acme/b"), None),
        (["test_a.py", "test_b.py"], failed(None, "test_b"), ["test_b.py"]),
    ],
)
def test_names_are_found_by_file_class_and_name(
    items: list[str], test: FailedTest, found: list[str] | None
) -> None:
    assert list(only_failed(items, [test]).items) == (found or items[1:])


def test_the_order_of_the_names_stays_and_each_comes_once() -> None:
    tests = [failed("tests/test_b.py"), failed("tests/test_a.py"), failed("tests/test_b.py")]
    share = only_failed(PYTHON, tests)
    assert share.items == ("tests/test_a.py", "tests/test_b.py")
    assert share.notes == ("Rerun of failed tests: 2 of 3 names.",)


def test_a_failed_test_that_no_name_stands_for_makes_all_of_them_run() -> None:
    share = only_failed(PYTHON, [failed("tests/test_b.py"), failed("spec/gone.rb")])
    assert share.items == tuple(PYTHON)
    assert "spec/gone.rb" in share.notes[0]


def test_any_other_run_takes_all() -> None:
    share = only_failed(PYTHON, None)
    assert (share.items, share.notes) == (tuple(PYTHON), ())
