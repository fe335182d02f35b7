"""Checks of expanded steps: their keys, and values that only now are known."""

from __future__ import annotations

import re
from collections.abc import Callable

from roundel.compiler.builtins import BARE_STEPS, BUILTIN_KEYS, REQUIRED_KEYS, TEXT_KEYS
from roundel.compiler.jobs import JobBody
from roundel.compiler.report import Hint, Report, nearest
from roundel.compiler.scope import Call
from roundel.compiler.steps import Step
from roundel.compiler.tree import Map, Node, Seq, Spot, text_of, type_word


class Voice:
    """Reports errors in the name of a call; its context lines are made only when needed."""

    __slots__ = ("call", "report")

    def __init__(self, report: Report, call: Call | None) -> None:
        self.report = report
        self.call = call

    def error(self, code: str, message: str, spot: Spot, hint: Hint | str | None = None) -> None:
        """Report an error inside the call."""
        context = self.call.lines() if self.call is not None else ()
        self.report.error(code, message, spot, context=context, hint=hint)


def within(value: Node, low: int, high: int) -> bool:
    """Tell whether a value is an integer in a range."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def check_steps(body: JobBody, job: str, report: Report, strict: bool, seen: set[int]) -> None:
    """Report what is wrong with the steps of a job; `seen` has the bodies of steps checked before.

    Calls that are alike share the bodies of their steps, so most are looked at once.
    """
    remote = [step for step in body.steps if step.kind == "setup_remote_docker"]
    if len(remote) > 1:
        Voice(report, body.call).error(
            "remote-docker",
            f"More than one setup_remote_docker is not valid, please adjust in job {job}.",
            remote[1].spot,
        )
    voice = Voice(report, body.call)
    for step in body.steps:
        if step.body is not None:
            if id(step.body) in seen:
                continue
            seen.add(id(step.body))
        if step.call is not voice.call:
            voice = Voice(report, step.call)
        _step(step, voice, strict)


_STEP_WHEN = ("always", "on_success", "on_fail")


def _step(step: Step, voice: Voice, strict: bool) -> None:
    node = step.body
    if not isinstance(node, Map):
        if node is None and step.kind not in BARE_STEPS:
            names = ", ".join(sorted(REQUIRED_KEYS.get(step.kind, {"key"})))
            voice.error("step-argument", f"Missing required argument(s): {names}", step.spot)
        elif isinstance(node, Seq):
            voice.error(
                "step-argument", f"expected type: Mapping, found: {type_word(node)}", step.spot
            )
        return
    known = BUILTIN_KEYS.get(step.kind)
    if known is not None:
        if not REQUIRED_KEYS.get(step.kind, _NONE) <= node.keys():
            _required(step, node, voice, strict)
        if not node.keys() <= known:
            _unknown(step, node, known, voice)
        for key, value in node.items():
            if type(value) in _LISTS and key in TEXT_KEYS and key in known:
                voice.error(
                    "step-argument",
                    f"[{step.kind}/{key}] expected type: String, found: {type_word(value)}",
                    node.value_spot(key),
                )
    special = _SPECIAL.get(step.kind)
    if special is not None:
        special(node, voice)


_NONE: frozenset[str] = frozenset()
_LISTS = (Map, Seq)


def _required(step: Step, node: Map, voice: Voice, strict: bool) -> None:
    missing = sorted(REQUIRED_KEYS[step.kind] - node.keys())[0]
    message = f"[{step.kind}] required key [{missing}] not found"
    hint = nearest(missing, node)
    if strict or step.kind == "run":
        voice.error("step-argument", message, step.spot, hint)
    else:  # version 2 compiled such steps; they fail, or do nothing, when they run
        voice.report.warning("step-argument", message, step.spot, hint=hint)


def _unknown(step: Step, node: Map, known: frozenset[str], voice: Voice) -> None:
    for key in node:
        if key not in known:
            voice.report.warning(
                "step-key",
                f"The key '{key}' has no meaning for the step {step.kind}.",
                node.key_spot(key),
                hint=nearest(key, known),
            )


_DELAY = re.compile(r"((10|[1-9])m|([1-9][0-9]*)s)\Z")
LONGEST_DELAY_SECONDS = 600


_FREE_RUN_KEYS = BUILTIN_KEYS["run"] - {
    "when",
    "max_auto_reruns",
    "auto_rerun_delay",
    "background",
    "no_output_timeout",
}


def _run(node: Map, voice: Voice) -> None:
    if node.keys() <= _FREE_RUN_KEYS:
        return
    when = node.get("when")
    if when is not None and when not in _STEP_WHEN:
        voice.error(
            "step-when",
            f"{text_of(when)} is not a valid enum value",
            node.value_spot("when"),
            "allowed: " + ", ".join(_STEP_WHEN),
        )
    reruns = node.get("max_auto_reruns")
    if reruns is not None and not within(reruns, 1, 5):
        voice.error(
            "auto-reruns",
            "max_auto_reruns must be an integer between 1 and 5",
            node.value_spot("max_auto_reruns"),
        )
    delay = node.get("auto_rerun_delay")
    if delay is not None:
        _delay(delay, node, voice)
    background = node.get("background")
    if background is not None and not isinstance(background, bool):
        message = f"[run/background] expected type: Boolean, found: {type_word(background)}"
        voice.error("step-argument", message, node.value_spot("background"))
    silence = node.get("no_output_timeout")
    if silence is not None:
        _timeout(silence, node, voice)
    if background is True and (reruns is not None or delay is not None):
        voice.error(
            "auto-reruns",
            "max_auto_reruns and auto_rerun_delay are not allowed on a background step",
            node.key_spot("background"),
        )


# Go's durations, of which CircleCI documents those with one unit; the others run just as well.
_TIMEOUT = re.compile(r"(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|ms|s|m|h))+\Z")
_NO_UNIT = re.compile(r"[0-9]+(?:\.[0-9]+)?\Z")


def _timeout(silence: Node, node: Map, voice: Voice) -> None:
    if isinstance(silence, (Map, Seq)) or _TIMEOUT.match(text_of(silence)):
        return  # a list was reported with the other keys that are texts
    spot = node.value_spot("no_output_timeout")
    hint = "a number and its unit: `90s`, `20m` or `1.5h`"
    if _NO_UNIT.match(text_of(silence)):
        # Many configs have it; a number without a unit is a time that nobody has documented.
        message = f"no_output_timeout has no unit: {text_of(silence)}"
        voice.report.warning("timeout", message, spot, hint=hint)
    else:
        message = r"no_output_timeout must match ^\d+(\.\d+)?[mhs]$"
        voice.error("timeout", message, spot, hint)


def _delay(delay: Node, node: Map, voice: Voice) -> None:
    spot = node.value_spot("auto_rerun_delay")
    found = _DELAY.match(delay) if isinstance(delay, str) else None
    if found is None:
        voice.error(
            "auto-reruns",
            "auto_rerun_delay must match ^((10|[1-9])m|([1-9][0-9]*)s)$",
            spot,
        )
    elif found.group(3) and _seconds(found.group(3)) > LONGEST_DELAY_SECONDS:
        voice.error(
            "auto-reruns", "auto_rerun_delay must not exceed 10 minutes (600 seconds)", spot
        )
    elif "max_auto_reruns" not in node:
        voice.error("auto-reruns", "auto_rerun_delay needs max_auto_reruns", spot)


def _seconds(digits: str) -> int:
    return int(digits) if len(digits) < 10 else LONGEST_DELAY_SECONDS + 1


_DEPTH = re.compile(r"0*[1-9][0-9]*\Z")


def _checkout(node: Map, voice: Voice) -> None:
    method = node.get("method")
    if method is not None and method not in ("blobless", "shallow", "full"):
        voice.error(
            "checkout-method",
            'Unsupported checkout method, allowed methods are "blobless", "shallow", and "full"',
            node.value_spot("method"),
        )
    depth = node.get("depth")
    if depth is not None and _DEPTH.match(text_of(depth)) is None:
        message = "checkout: depth must be a positive integer"
        voice.error("checkout-depth", message, node.value_spot("depth"))


def _remote_docker(node: Map, voice: Voice) -> None:
    caching = node.get("docker_layer_caching")
    if caching is not None and not isinstance(caching, bool):
        voice.error(
            "layer-caching",
            "setup_remote_docker: docker_layer_caching must be a boolean",
            node.value_spot("docker_layer_caching"),
        )


def _restore_cache(node: Map, voice: Voice) -> None:
    if "key" not in node and "keys" not in node:
        voice.error("step-argument", "[restore_cache] required key [key] not found", node.spot())


_SPECIAL: dict[str, Callable[[Map, Voice], None]] = {
    "run": _run,
    "checkout": _checkout,
    "setup_remote_docker": _remote_docker,
    "restore_cache": _restore_cache,
}
