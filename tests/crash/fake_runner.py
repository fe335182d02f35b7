"""A runner elsewhere whose jobs are fake: URL TOKEN FOLDER SLOTS."""

import asyncio
import sys
from pathlib import Path

from roundel.backends.fake import FakeBackend
from roundel.domain.clock import SystemClock
from roundel.runner.main import Runner
from roundel.wire.runner_client import RemoteServer


async def main(url: str, token: str, folder: Path, slots: int) -> None:
    async with RemoteServer(url, token) as remote:
        runner = Runner(remote, FakeBackend(), folder=folder, clock=SystemClock(), slots=slots)
        await runner.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
