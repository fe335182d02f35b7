"""Where the published specifications and the corpus lie; tests that need them are marked `spec`."""

import os
from pathlib import Path

SPEC = Path(os.environ.get("ROUNDEL_SPEC", Path(__file__).parent.parent.parent / "shared" / "spec"))
