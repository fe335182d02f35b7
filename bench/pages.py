"""What pages cost: time and size of each, two hundred who look at one running log, a long log."""

import asyncio
import gzip
import http.client
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from tests.e2e.client import until
from tests.e2e.site import Site

from bench import figures
from bench.lists import BareServer
from bench.long_log import measure_long_log
from bench.paints import measure_paints
from bench.site import serving

LOOKERS = 200
WATCHED_SECONDS = 10.0
N = 30
TALK = """version: 2.1
jobs:
  talk:
    docker: [{image: x}]
    steps:
      - run: "while :; do for i in 1 2 3 4 5; do echo a line of $RANDOM; done; sleep 0.1; done"
  quiet:
    docker: [{image: x}]
    steps: [run: seq 1 500]
workflows: {main: {jobs: [talk, quiet]}}
"""


def measure_pages() -> None:
    with serving("process") as site:
        project = site.project(TALK)
        pipeline = site.client.trigger(project.slug, branch="main")
        site.client.compiled(pipeline["id"])
        workflow = site.client.workflows(pipeline["id"])["main"]["id"]
        jobs = until(
            lambda: site.client.jobs(workflow),
            lambda found: (
                (found["talk"]["status"], found["quiet"]["status"]) == ("running", "success")
            ),
        )
        root = f"/pipelines/{project.slug}"
        quiet = f"{root}/1/workflows/{workflow}/jobs/{jobs['quiet']['job_number']}"
        talk = f"{root}/1/workflows/{workflow}/jobs/{jobs['talk']['job_number']}"
        cookie = sign_in(site)
        pages = {
            "pipelines": "/pipelines",
            "pipeline": f"{root}/1",
            "job": f"{quiet}?step=2",
            "config": f"{root}/1/config",
        }
        for name, path in pages.items():
            measure_page(site, name, path, cookie)
        asyncio.run(measure_paints(site.server.url, site.server.token, pages, "page"))
        measure_lookers(site, talk, cookie)
        site.client.request("POST", f"/api/v2/workflow/{workflow}/cancel")
    measure_long_log()


def sign_in(site: Site) -> str:
    """Return the cookie of a session, as a browser would get it."""
    connection = http.client.HTTPConnection("127.0.0.1", site.server.port)
    connection.request("GET", "/sign-in")
    answer = connection.getresponse()
    before = answer.headers["set-cookie"].partition(";")[0]
    found = re.search(r'name="form_token" value="(\w+)"', answer.read().decode())
    assert found is not None
    form = urlencode({"form_token": found.group(1), "token": site.server.token})
    headers = {"cookie": before, "content-type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/sign-in", form, headers)
    answer = connection.getresponse()
    assert answer.status == 303
    return answer.headers["set-cookie"].partition(";")[0]


def measure_page(site: Site, name: str, path: str, cookie: str) -> None:
    """The page itself, then all that it takes with it; the floor is a file of that size."""
    connection = http.client.HTTPConnection("127.0.0.1", site.server.port)

    def get(target: str) -> bytes:
        headers = {"cookie": cookie, "accept-encoding": "gzip", "accept": "text/html"}
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (target, answer.status)
        return body

    page = get(path)
    text = gzip.decompress(page).decode()
    assets = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', text))
    taken = {asset: len(get(asset)) for asset in with_imports(get, assets)}
    with tempfile.TemporaryDirectory() as folder, BareServer(page, Path(folder)) as bare:
        least = http.client.HTTPConnection("127.0.0.1", bare.port)

        def get_least() -> None:
            least.request("GET", "/")
            assert least.getresponse().read() == page

        values, floors = figures.in_turns(
            N, lambda: figures.seconds(lambda: get(path)), lambda: figures.seconds(get_least)
        )
    figures.cost(f"page {name}: time to the whole document", values, floors)
    figures.tally(f"page {name}: document over the wire", len(page), unit="B")
    figures.tally(f"page {name}: script and style over the wire", sum(taken.values()), unit="B")


def with_imports(get: Callable[[str], bytes], assets: set[str]) -> set[str]:
    """Return files with all that their modules import, whether at once or later."""
    found: set[str] = set()
    waiting = list(assets)
    while waiting:
        asset = waiting.pop()
        if asset in found:
            continue
        found.add(asset)
        text = gzip.decompress(get(asset)).decode()
        waiting += [f"/static/{it}" for it in re.findall(r'["\']\./([\w.]+\.js)["\']', text)]
    return found


def measure_lookers(site: Site, job: str, cookie: str) -> None:
    """The processor's share that 200 lookers take, beside that of the running job alone."""
    connection = http.client.HTTPConnection("127.0.0.1", site.server.port)
    connection.request("GET", job, headers={"cookie": cookie})
    found = re.search(r'data-output="([^"]+)"', connection.getresponse().read().decode())
    assert found is not None
    stream = found.group(1)
    alone = share_of(site.server.pid, lambda: time.sleep(WATCHED_SECONDS))
    told = 0

    def with_lookers() -> None:
        nonlocal told
        told = asyncio.run(look_on(site.server.port, stream, cookie))

    value = share_of(site.server.pid, with_lookers)
    figures.cost(f"{LOOKERS} lookers at one log: processor", [value], [alone], unit="cores")
    figures.tally(f"{LOOKERS} lookers at one log: bytes told", told, unit="B")


def share_of(pid: int, work: Callable[[], None]) -> float:
    """Return how much of one processor a process took while some work went on."""
    ticks = os.sysconf("SC_CLK_TCK")
    before, began = _ticks(pid), time.perf_counter()
    work()
    return (_ticks(pid) - before) / ticks / (time.perf_counter() - began)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


async def look_on(port: int, stream: str, cookie: str) -> int:
    """Open many streams for a while; return how many bytes came."""

    async def one() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"GET {stream} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n"
        writer.write(head.encode())
        count = 0
        try:
            async with asyncio.timeout(WATCHED_SECONDS):
                while data := await reader.read(65536):
                    count += len(data)
        except TimeoutError:
            pass
        writer.close()
        return count

    return sum(await asyncio.gather(*(one() for _ in range(LOOKERS))))
