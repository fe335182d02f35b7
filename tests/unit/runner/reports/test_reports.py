"""Test reports: what tools write becomes results, and what is broken a warning."""

import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.domain.storage import TestResult as Case
from roundel.runner.reports.collect import Collected

PLAIN = Case(name="one", classname="a.b", file=None, result="success", run_time=0.0)


def read(text: str | bytes, name: str = "r.xml", *, cut: int = 1 << 20) -> Collected:
    data = text.encode() if isinstance(text, str) else text
    collected = Collected()
    report = collected.open(name)
    assert report is not None
    for at in range(0, len(data), cut):
        report.feed(data[at : at + cut])
    report.finish()
    return collected


def cases(text: str | bytes, *, cut: int = 1 << 20) -> list[Case]:
    collected = read(text, cut=cut)
    assert collected.warnings == []
    return collected.results


def case(attributes: str = "", inside: str = "") -> Case:
    (found,) = cases(
        f'<testsuite name="s"><testcase classname="a.b" name="one" {attributes}>{inside}'
        "</testcase></testsuite>"
    )
    return found


@pytest.mark.parametrize("cut", [1, 7, 1 << 20])
def test_cases_are_read_however_the_file_is_cut(cut: int) -> None:
    text = """<?xml version="1.0" encoding="utf-8"?>
    <testsuites><testsuite name="s" tests="2">
      <testcase classname="a.b" name="one" file="a.py" time="0.1"/>
      <testcase classname="a.b" name="two \u00fc" file="a.py" time="0.2"><skipped/></testcase>
    </testsuite></testsuites>"""
    assert cases(text, cut=cut) == [
        replace(PLAIN, file="a.py", run_time=0.1),
        replace(PLAIN, name="two \u00fc", file="a.py", run_time=0.2, result="skipped"),
    ]


@pytest.mark.parametrize(
    ("inside", "result", "message"),
    [
        ("<failure/>", "failure", ""),
        ('<failure message="boom"/>', "failure", "boom"),
        ("<failure>trace</failure>", "failure", "trace"),
        ('<failure message="boom">trace</failure>', "failure", "boom\ntrace"),
        ('<failure message="boom">boom\ntrace</failure>', "failure", "boom\ntrace"),
        ("<failure><![CDATA[a < b]]></failure>", "failure", "a < b"),
        ("<error>e</error>", "error", "e"),
        ("<skipped message='why'/>", "skipped", "why"),
        ("<system-out>noise</system-out>", "success", ""),
        ("<flakyFailure>x</flakyFailure>", "success", ""),
        ("<failure>f</failure><system-err>noise</system-err>", "failure", "f"),
        ("<properties><property name='a' value='b'/></properties>", "success", ""),
    ],
)
def test_the_outcome_and_its_message_come_from_the_children(
    inside: str, result: str, message: str
) -> None:
    assert case(inside=inside) == replace(PLAIN, result=result, message=message)


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("0.25", 0.25),
        ("1,234.5", 1234.5),
        ("1e-05", 1e-05),
        ("", 0.0),
        ("3s", 3.0),
        ("nan", 0.0),
        ("soon", 0.0),
        ("-1", 0.0),
        ("inf", 0.0),
    ],
)
def test_times_are_read_as_tools_write_them(time: str, seconds: float) -> None:
    assert case(f'time="{time}"').run_time == seconds


def test_a_case_that_says_it_did_not_run_is_skipped() -> None:
    assert case('status="notrun"').result == "skipped"
    assert case('status="run"').result == "success"


def test_what_is_named_on_the_suite_only_holds_for_its_cases() -> None:
    text = """<testsuites name="Mocha"><testsuite name="Root" file="test/a.js">
      <testsuite name="inner"><testcase name="x"/></testsuite>
      <testcase name="y" classname="C" file="own.js"/></testsuite>
      <testsuite name="pytest"><testcase name="z"/></testsuite></testsuites>"""
    found = [(case.name, case.classname, case.file, case.source) for case in cases(text)]
    assert found == [
        ("x", "inner", "test/a.js", "mocha"),
        ("y", "C", "own.js", "mocha"),
        ("z", "pytest", None, "pytest"),
    ]


@pytest.mark.parametrize(
    ("stated", "line"),
    [("12", 12), ("0", None), ("", None), ("-3", None), ("1e3", None), ("9" * 300, None)],
)
def test_a_case_may_say_at_which_line_it_is(stated: str, line: int | None) -> None:
    assert case(f'file="a.rb" line="{stated}"').line == line


def test_lines_of_pytest_are_those_that_people_count(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def test_first():\n    pass\n\ndef test_second(): pass\n")
    words = ("-o", "junit_family=xunit1", "--junit-xml=r.xml", "-p", "no:cacheprovider")
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *words],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    found = cases((tmp_path / "r.xml").read_bytes())
    assert [(it.name, it.file, it.line) for it in found] == [
        ("test_first", "test_a.py", 1),
        ("test_second", "test_a.py", 4),
    ]


def test_namespaces_byte_order_marks_and_other_encodings_are_read() -> None:
    assert cases('<j:testsuite xmlns:j="u"><j:testcase name="one" classname="a.b"/></j:testsuite>')
    text = '<testsuite><testcase name="\u00fc"/></testsuite>'
    assert cases(b"\xef\xbb\xbf" + text.encode())[0].name == "\u00fc"
    assert cases(text.encode("utf-16"))[0].name == "\u00fc"
    head = '<?xml version="1.0" encoding="ISO-8859-1"?>'
    assert cases((head + text).encode("latin-1"))[0].name == "\u00fc"


def test_control_characters_do_not_cost_the_report() -> None:
    found = case(inside="<failure>\x1b[31mred\x1b[0m\x00</failure>")
    assert found.message == "?[31mred?[0m?"


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>\n<testsuite name="&b;"/>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite/>',
        "<!DOCTYPE testsuite><testsuite/>",
    ],
)
def test_document_types_are_refused(text: str) -> None:
    (warning,) = read(text).warnings
    assert warning == "r.xml: line 1: document types and entities are not allowed in a report"


def test_a_broken_file_is_a_warning_with_its_line_and_what_came_before_is_kept() -> None:
    found = read('<testsuite>\n<testcase name="one" classname="a.b"/>\n<testcase <</testsuite>')
    assert found.results == [PLAIN]
    assert found.warnings == ["r.xml: line 3: not well-formed (invalid token)"]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("", "line 1: no element found"),
        ("<testsuite>", "line 1: no element found"),
        ("<html><body/></html>", "line 1: <html> is not the root of a JUnit report"),
        ('<?xml version="1.0" encoding="no-such"?><testsuite/>', "line 1: "),
        ("<testsuite>" * 65, "line 1: elements are nested more than 64 deep"),
        ('<testsuite name="' + "n" * (5 << 20) + '"/>', "line 1: a tag is longer than 4 MiB"),
    ],
)
def test_what_is_no_report_is_a_warning(text: str, warning: str) -> None:
    found = read(text, cut=1 << 16)
    assert found.results == []
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith(f"r.xml: {warning}")


def test_a_broken_file_does_not_touch_the_next() -> None:
    collected = read("<broken")
    report = collected.open("b.xml")
    assert report is not None
    report.feed(b'<testsuite><testcase name="one" classname="a.b"/></testsuite>')
    report.finish()
    assert (collected.results, collected.files, collected.broken) == ([PLAIN], 2, 1)


def test_a_large_report_takes_little_memory_beside_its_results() -> None:
    collected = Collected()
    report = collected.open("big.xml")
    assert report is not None
    report.feed(b"<testsuite><testcase name='one'><system-out>")
    tracemalloc.start()
    for _ in range(200):
        report.feed(b"line of output\n" * 10_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    report.feed(b"</system-out><failure>x</failure></testcase></testsuite>")
    report.finish()
    assert peak < 2_000_000
    assert collected.results[0].message == "x"


def test_long_messages_are_cut() -> None:
    assert len(case(inside=f"<failure>{'x' * 100_000}</failure>").message) == 32 * 1024


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    for name in ("r.xml", "r.json"):
        collected = Collected()
        report = collected.open(name)
        assert report is not None
        report.feed(data)
        report.finish()
        assert collected.results == [] or not collected.warnings


def test_files_of_other_kinds_are_no_reports() -> None:
    collected = Collected()
    assert collected.open("index.html") is None
    assert collected.open("Report.XML") is not None


CUCUMBER = """[{"uri": "features/a.feature", "name": "Feature A", "elements": [
  {"type": "background", "name": "", "steps": [{"result": {"status": "passed", "duration": 5e8}}]},
  {"type": "scenario", "name": "passes", "steps": [
    {"name": "s", "result": {"status": "passed", "duration": 1500000000}}]},
  {"type": "scenario", "name": "fails", "steps": [
    {"result": {"status": "passed", "duration": 1}},
    {"result": {"status": "failed", "error_message": "boom", "duration": 0}},
    {"result": {"status": "skipped"}}]},
  {"type": "scenario", "name": "waits", "steps": [{"result": {"status": "undefined"}}]}]}]"""


def test_scenarios_of_cucumber_are_tests() -> None:
    collected = read(CUCUMBER, "cucumber.json")
    assert collected.warnings == []
    assert [(c.name, c.result, c.message) for c in collected.results] == [
        ("passes", "success", ""),
        ("fails", "failure", "boom"),
        ("waits", "skipped", ""),
    ]
    first = collected.results[0]
    assert (first.classname, first.file, first.run_time, first.source) == (
        "Feature A",
        "features/a.feature",
        2.0,
        "cucumber",
    )


def test_other_json_is_a_warning() -> None:
    assert read('{"a": 1}', "x.json").warnings[0].startswith("x.json: line 1: not Cucumber's JSON")
    assert read('[\n{"elements":\n]', "x.json").warnings[0].startswith("x.json: line 3:")
