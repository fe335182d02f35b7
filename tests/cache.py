"""Where test runs keep what is costly to make: images, engines' folders, packages of others."""

import os
from pathlib import Path

CACHE = Path(os.environ.get("ROUNDEL_TEST_CACHE", Path.home() / ".cache" / "roundel-tests"))
