"""Orbs: from what a config names to the elements that it may use."""

from __future__ import annotations

from functools import partial

from roundel.compiler.orb_sources import is_path, is_url
from roundel.compiler.resolved import LockedOrb, NoOrbs, OrbRefused, OrbSource, ResolvedOrb
from roundel.compiler.scope import Elements, Run, Scope
from roundel.compiler.source import load
from roundel.compiler.substitute import substitute
from roundel.compiler.tree import Document, Map, Node, Spot, type_word

DEEPEST_ORBS = 10  # orbs that use orbs

__all__ = ["LockedOrb", "NoOrbs", "OrbPass", "OrbRefused", "OrbSource", "ResolvedOrb"]


class OrbPass:
    """Attaches orbs to elements; keeps what was resolved, in order."""

    def __init__(self, run: Run, source: OrbSource) -> None:
        self.run = run
        self.source = source
        self.locked: list[LockedOrb] = []
        self._fetched: dict[str, ResolvedOrb | None] = {}
        self._loaded: dict[str, Elements | None] = {}

    def attach(
        self, root: Map, elements: Elements, depth: int = 0, *, published: bool = False
    ) -> None:
        """Fill `elements.orbs` from a text's `orbs:`.

        What a published orb names is fetched when it is used: most of it never is.
        """
        named = root.get("orbs")
        if not isinstance(named, Map):
            return
        scope = Scope(self.run, elements, None)
        for alias, node in named.items():
            fetch = partial(self._orb, alias, node, named, scope, depth)
            if published:
                elements.later[alias] = fetch
            else:
                elements.orbs[alias] = fetch()

    def _orb(self, alias: str, node: Node, named: Map, scope: Scope, depth: int) -> Elements | None:
        spot = named.value_spot(alias)
        if depth > DEEPEST_ORBS:
            scope.error("orb-depth", f"Orbs use orbs more than {DEEPEST_ORBS} levels deep", spot)
            return None
        if isinstance(node, Map):
            made = Elements(alias, node.doc, node, is_project=False)
            self.attach(node, made, depth + 1)
            return made
        reference = substitute(node, scope, spot)
        if not isinstance(reference, str) or not reference:
            if reference is not None or node is None:
                scope.error(
                    "orb-reference",
                    f"The orb '{alias}' must be a reference or a map,"
                    f" found: {type_word(reference)}",
                    spot,
                )
            return None
        return self._registered(alias, reference, spot, scope, depth)

    def _registered(
        self, alias: str, reference: str, spot: Spot, scope: Scope, depth: int
    ) -> Elements | None:
        orb = self._fetch(reference, spot, scope)
        if orb is None:
            return None
        self.locked.append(
            LockedOrb(
                alias=alias,
                written=reference,
                exact=orb.reference,
                digest=orb.digest,
                nested=depth > 0,
            )
        )
        if orb.reference in self._loaded:
            return self._loaded[orb.reference]
        self._loaded[orb.reference] = None
        doc = Document(orb.reference, orb.text)
        root = load(doc, self.run.report)
        if not isinstance(root, Map):
            if root is not None:
                scope.error("orb-text", f"The orb {orb.reference} is not a map", spot)
            return None
        made = Elements(orb.reference, doc, root, is_project=False)
        self._loaded[orb.reference] = made
        self.attach(root, made, depth + 1, published=True)
        return made

    def _fetch(self, reference: str, spot: Spot, scope: Scope) -> ResolvedOrb | None:
        if reference not in self._fetched:
            try:
                self._fetched[reference] = self.source.resolve(reference)
            except OrbRefused as refused:
                scope.error("orb-refused", str(refused), spot)
                self._fetched[reference] = None
                return None
        orb = self._fetched[reference]
        if orb is None:
            hint = None
            if "@" not in reference and not reference.startswith(("./", "https://")):
                hint = "an orb needs a version: namespace/name@1.2.3"
            scope.error(
                "orb-not-found",
                f"Cannot find {reference} in the orb registry."
                " Check that the namespace, orb name and version are correct.",
                spot,
                hint=hint,
            )
        return orb


def header_lines(locked: list[LockedOrb]) -> list[str]:
    """Return the comment lines at the top of a compiled config, one per registry orb."""
    return [
        f"# Orb '{orb.written}' resolved to '{orb.exact}'\n"
        for orb in locked
        if not orb.nested and not is_path(orb.written) and not is_url(orb.written)
    ]
