"""The live document, written once and kept in both spellings."""

from collections.abc import Callable
from typing import Any

import msgspec


class Document:
    """Writes the document when it is first asked for."""

    def __init__(self, write: Callable[[], dict[str, Any]]) -> None:
        self._write = write
        self._json: bytes | None = None
        self._yaml: bytes | None = None

    def as_json(self) -> bytes:
        if self._json is None:
            self._json = msgspec.json.encode(self._write())
        return self._json

    def as_yaml(self) -> bytes:
        if self._yaml is None:
            import yaml

            text = yaml.dump(
                self._write(), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True
            )
            self._yaml = text.encode()
        return self._yaml
