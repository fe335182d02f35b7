"""A shell in a job that runs, from its page: a real browser, server and job."""

import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from tests.e2e.client import until
from tests.e2e.conftest import BACKENDS, running_site
from tests.e2e.looking import IN_A_BROWSER, MODES, MOST_SCRIPT_AND_STYLE, RULES, Look, looking
from tests.e2e.server import ROOT, Server, end_processes_of, program_environment
from tests.e2e.site import Site

pytestmark = IN_A_BROWSER

CONFIG = """version: 2.1
jobs:
  wait:
    docker: [{image: cimg/base:current}]
    steps:
      - run: {name: Wait for the word, command: "until [ -e go ]; do sleep 0.1; done; echo went"}
workflows: {main: {jobs: [wait]}}
"""
CLASS = "acme/linux"
IN_A_CONTAINER = "docker: [{image: cimg/base:current}]"
ELSEWHERE = f"machine: true\n    resource_class: {CLASS}"
SECRET = "canary-4d1f77-in-the-mine"


@pytest.fixture(scope="module", params=[*BACKENDS, "runner elsewhere"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("shells")
    if request.param == "runner elsewhere":
        with served_from_elsewhere(folder) as started:
            yield started
        return
    with running_site(request.param, folder, request, "--shells") as started:
        yield started


@contextmanager
def served_from_elsewhere(folder: Path) -> Iterator[Site]:
    """A server that runs no jobs, and a runner that only knows its address."""
    server = Server(folder / "data", "--no-runner", "--shells").start()
    try:
        with server.client() as client:
            client.request("POST", "/api/v3/runner/resource", body={"resource_class": CLASS})
            asked = {"resource_class": CLASS, "nickname": "box"}
            made = client.request("POST", "/api/v3/runner/token", body=asked)
            words = ["runner", "--server", server.url, "--token", made.json()["token"]]
            words += ["--backend", "process", "--slots", "4", "--data", str(folder / "runner")]
            with subprocess.Popen(
                [sys.executable, "-m", "roundel", *words],
                env=program_environment(),
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as runner:
                yield Site("process", server, client, folder)
                runner.send_signal(signal.SIGTERM)
    finally:
        server.stop()
        end_processes_of(folder)


@dataclass
class Open:
    """A window with the page of a job that runs, and its terminal."""

    look: Look
    site: Site
    path: str
    workflow: str

    @property
    def screen(self) -> Locator:
        return self.look.page.get_by_role("log", name="What the shell prints")

    @property
    def word(self) -> Locator:
        return self.look.page.locator("#shell [role=status]")

    async def open(self) -> None:
        await self.look.at(self.path)
        await self.look.page.get_by_role("button", name="Open a shell").click()
        await expect(self.word).to_have_text("Connected.")
        await expect(self.screen).to_contain_text("(wait)")

    async def type(self, text: str) -> None:
        await self.look.page.keyboard.type(text)
        await self.look.page.keyboard.press("Enter")

    async def shows(self, text: str) -> None:
        await expect(self.screen).to_contain_text(text)

    def ends_as(self, status: str) -> None:
        self.site.ends_as(self.workflow, status)


@pytest_asyncio.fixture(loop_scope="session")
async def shell(browser: Browser, site: Site) -> AsyncIterator[Open]:
    elsewhere = "--no-runner" in site.server.options
    project = site.project(CONFIG.replace(IN_A_CONTAINER, ELSEWHERE) if elsewhere else CONFIG)
    variable = {"name": "KEY_OF_THE_MINE", "value": SECRET}
    made = site.client.request("POST", f"/api/v2/project/{project.slug}/envvar", body=variable)
    assert made.status == 201
    workflow = site.begun(project)
    until(lambda: site.client.jobs(workflow)["wait"]["status"], lambda status: status == "running")
    page = site.job_page(project, workflow, "wait")
    async with looking(browser, site.server.url, **MODES["light"]) as look:
        await look.sign_in(site.server.token)
        yield Open(look, site, page, workflow)
    site.client.request("POST", f"/api/v2/workflow/{workflow}/cancel")


async def test_a_person_works_in_the_job_and_the_job_goes_on(shell: Open) -> None:
    await shell.open()
    await shell.type("echo sum-$((40+2)); pwd")
    await shell.shows("sum-42")
    await shell.type('echo "<$KEY_OF_THE_MINE>"')
    await shell.shows("<****>")
    assert SECRET not in await shell.look.page.content()
    assert sum(shell.look.weights.values()) < MOST_SCRIPT_AND_STYLE
    assert await shell.look.violations() == []
    await shell.type("touch go")
    await expect(shell.word).to_have_text("The job has ended, and the shell with it.")
    await expect(shell.look.page.locator(".head .status")).to_have_text("success")
    await expect(shell.look.page.get_by_role("button", name="Open a shell")).to_have_count(0)
    shell.ends_as("success")
    await shell.look.at("/settings/organization/gh/acme/audit")
    await expect(shell.look.page.get_by_text("openShell").first).to_be_visible()


async def test_keys_do_what_they_do_in_a_terminal(shell: Open) -> None:
    await shell.open()
    keyboard = shell.look.page.keyboard
    await shell.type("echo GO''ING; sleep 4715.25")
    await shell.shows("GOING")
    await keyboard.press("Control+c")
    until(lambda: left_of("4715.25"), lambda left: not left)
    await shell.type("")
    await shell.type("echo BA''CK")
    await shell.shows("BACK")
    await shell.type("echo a''bc")
    await shell.shows("abc")
    await keyboard.press("ArrowUp")
    await keyboard.press("ArrowLeft")
    await keyboard.type("X")
    await keyboard.press("Enter")
    await shell.shows("abXc")
    await keyboard.type("echo wrongg")
    await keyboard.press("Backspace")
    await keyboard.press("Home")
    for _ in range(4):
        await keyboard.press("Delete")
    await keyboard.type("printf %s. ")
    await keyboard.press("Enter")
    await shell.shows("wrong.")
    await keyboard.press("Control+d")
    await expect(shell.word).to_have_text("The shell has ended.")


async def test_what_programs_draw_is_drawn(shell: Open) -> None:
    await shell.open()
    await shell.type(r"printf '\033[31mr''ed\033[0m <b>x''y</b>\n'")
    await expect(shell.screen.locator(".f1").last).to_have_text("red")
    await shell.shows("<b>xy</b>")
    await shell.type("for i in $(seq 500); do echo line-$i; done")
    await shell.shows("line-500")
    lines = await shell.screen.inner_text()
    assert "line-1\n" in lines  # one can scroll back
    await shell.type(r"printf '\033[2J\033[3;10Hat-3-1''0\033[1;1H'; read x")
    rows = shell.screen.locator(":scope > div").last.locator(":scope > div")
    await expect(rows.nth(2)).to_have_text(re.compile("^ {9}at-3-10"))
    await shell.type("")
    await shell.type(
        r"printf '\033[?1049h\033[Hoth''er'; read x; printf '\033[?1049l'; echo ba''ck"
    )
    await expect(rows.first).to_have_text(re.compile("^other"))
    await shell.type("")
    await shell.shows("back")
    await expect(shell.screen).not_to_contain_text("other")


async def test_wide_letters_take_two_columns(shell: Open) -> None:
    await shell.open()
    await shell.type(
        r"printf '\033[2J\033[1;1H\346\227\245\360\237\231\202e\314\201|\nabcde|\n'; read x"
    )
    rows = shell.screen.locator(":scope > div").last.locator(":scope > div")
    await expect(rows.nth(0)).to_have_text("日🙂e\u0301|")
    await expect(rows.nth(1)).to_have_text("abcde|")
    places = await rows.evaluate_all(
        """rows => rows.slice(0, 2).map((row) => {
            const range = document.createRange();
            const text = row.lastChild.firstChild ?? row.lastChild;
            range.setStart(text, text.length - 1);
            range.setEnd(text, text.length);
            const { x, y } = range.getBoundingClientRect();
            return [x, y, row.getBoundingClientRect().height];
        })"""
    )
    (x, first, height), (below, second, _) = places
    assert abs(x - below) < 1
    assert second - first == height == 18


async def test_the_terminal_has_the_size_of_its_window(shell: Open) -> None:
    await shell.open()
    await shell.type("stty size")
    await expect(shell.screen).to_contain_text(re.compile(r"\n?\d+ 1\d\d"))
    await shell.look.page.set_viewport_size({"width": 390, "height": 800})
    assert not await shell.look.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    await shell.type("clear; stty size; tput cols")
    await expect(shell.screen).to_contain_text(re.compile(r"\d+ [34]\d"))
    assert await shell.look.violations(*RULES["narrow"]) == []
    await shell.look.page.emulate_media(color_scheme="dark")
    assert await shell.look.violations(*RULES["dark"]) == []


async def test_a_paste_goes_into_the_shell_and_runs_nothing_by_itself(shell: Open) -> None:
    await shell.open()
    await shell.look.page.evaluate(
        """text => {
            const data = new DataTransfer();
            data.setData("text", text);
            const paste = new ClipboardEvent("paste", { clipboardData: data, cancelable: true });
            document.activeElement.dispatchEvent(paste);
        }""",
        "echo pas''ted-$((1+1))",
    )
    await shell.shows("pas''ted")
    await shell.look.page.keyboard.press("Enter")
    await shell.shows("pasted-2")


async def test_there_is_a_way_out_for_the_keyboard(shell: Open) -> None:
    await shell.open()
    page = shell.look.page
    await shell.type("sleep 4716.25")
    until(lambda: left_of("4716.25"), bool)
    await expect(page.get_by_text("Shift+Tab leaves the terminal")).to_be_visible()
    await page.keyboard.press("Shift+Tab")
    await expect(shell.screen).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(page.get_by_role("button", name="Close")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#shell")).to_have_count(0)
    await expect(page.get_by_role("button", name="Open a shell")).to_be_focused()
    until(lambda: left_of("4716.25"), lambda left: not left)
    await page.keyboard.press("Enter")
    await expect(shell.word).to_have_text("Connected.")


async def test_leaving_the_page_ends_the_shell(shell: Open) -> None:
    await shell.open()
    await shell.type("sleep 4717.25")
    until(lambda: left_of("4717.25"), bool)
    await shell.look.at("/pipelines")
    until(lambda: left_of("4717.25"), lambda left: not left)


async def test_canceling_the_job_ends_its_shells(shell: Open) -> None:
    await shell.open()
    await shell.type("trap '' HUP TERM INT; sleep 4718.25")
    until(lambda: left_of("4718.25"), bool)
    shell.site.client.request("POST", f"/api/v2/workflow/{shell.workflow}/cancel")
    await expect(shell.word).to_have_text("The job has ended, and the shell with it.")
    shell.ends_as("canceled")
    until(lambda: left_of("4718.25"), lambda left: not left)


def left_of(seconds: str) -> list[str]:
    """The processes of this machine that sleep so long."""
    wanted, found = f"sleep\0{seconds}\0".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked
            if (entry / "cmdline").read_bytes() == wanted:
                found.append(entry.name)
    return found
