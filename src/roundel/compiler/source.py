"""Text to tree: what is wrong with a text becomes a problem of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roundel.compiler.limits import LONGEST_TEXT
from roundel.compiler.tree import START, Document, Node, Spot

if TYPE_CHECKING:
    from roundel.compiler.report import Report


def load(doc: Document, report: Report) -> Node:
    """Return the tree of a text; report what is wrong with it and return None."""
    if len(doc.text) > LONGEST_TEXT:
        report.error(
            "too-large",
            f"The config has {len(doc.text)} characters; at most {LONGEST_TEXT} are allowed.",
            Spot(doc, START),
        )
        return None
    # Late, since importing the YAML library costs more than the rest of the room.
    from yaml import YAMLError

    from roundel.compiler.loader import Loader, Refused

    try:
        return Loader(doc, report).run()
    except Refused as refused:
        report.error(refused.code, refused.message, Spot(doc, refused.mark), hint=refused.hint)
    except (YAMLError, UnicodeError, ValueError) as error:
        # ValueError: libyaml rejects lone surrogates while the text is encoded.
        _report_parse_failure(doc, report, error)
    return None


def _report_parse_failure(doc: Document, report: Report, error: Exception) -> None:
    from roundel.compiler.yaml_errors import explain_parse_failure

    message, mark = explain_parse_failure(doc.text, error)
    report.error("yaml", f"Unable to parse YAML\n{message}", Spot(doc, mark or START))
