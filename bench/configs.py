"""Configs of known size."""

STEP = 'docker: [{image: "cimg/base:stable"}], steps: [{run: echo hi}]'

ONE = f"""
version: 2.1
jobs:
  only: {{{STEP}}}
workflows:
  w: {{jobs: [only]}}
"""

GOES_ON = ONE.replace("echo hi", '{name: echo hi, command: "echo hi; sleep 0.1"}')


def chain(length: int) -> str:
    """Return a config of `length` jobs, each of which requires the one before."""
    lines = ["version: 2.1", "jobs:"]
    lines += [f"  j{n}: {{{STEP}}}" for n in range(length)]
    lines += ["workflows:", "  w:", "    jobs:", "      - j0"]
    lines += [f"      - j{n}: {{requires: [j{n - 1}]}}" for n in range(1, length)]
    return "\n".join(lines) + "\n"


def fan(width: int) -> str:
    """Return a config of `width` jobs that require nothing."""
    lines = ["version: 2.1", "jobs:", f"  j: {{{STEP}}}", "workflows:", "  w:", "    jobs:"]
    lines += [f"      - j: {{name: j{n}}}" for n in range(width)]
    return "\n".join(lines) + "\n"
