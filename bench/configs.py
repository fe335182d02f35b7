"""Configs of known size."""

STEP = 'docker: [{image: "cimg/base:stable"}], steps: [{run: echo hi}]'

ONE = f"""
version: 2.1
jobs:
  only: {{{STEP}}}
workflows:
  w: {{jobs: [only]}}
"""


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


def large(jobs: int) -> str:
    """Return a config as large installations have it: commands, parameters, matrix, fan-in."""
    lines = [
        "version: 2.1",
        "parameters:",
        "  deploy: {type: boolean, default: false}",
        "executors:",
        "  base:",
        "    parameters: {tag: {type: string, default: stable}}",
        "    docker: [{image: 'cimg/base:<< parameters.tag >>'}]",
        "commands:",
        "  build:",
        "    parameters: {target: {type: string}, flags: {type: string, default: ''}}",
        "    steps:",
        "      - checkout",
        "      - run: {name: Build << parameters.target >>, command: make << parameters.flags >>}",
        "      - when:",
        "          condition: << pipeline.parameters.deploy >>",
        "          steps: [{run: make deploy-<< parameters.target >>}]",
        "jobs:",
    ]
    for n in range(jobs):
        lines += [
            f"  job-{n}:",
            "    executor: {name: base, tag: '2026.03'}",
            "    parameters: {size: {type: enum, enum: [small, large], default: small}}",
            f"    environment: {{NUMBER: {n}, SIZE: << parameters.size >>}}",
            "    steps:",
            f"      - build: {{target: t{n}, flags: -j << parameters.size >>}}",
            "      - run: {name: after, when: always, command: 'echo done'}",
        ]
    lines += ["workflows:", "  all:", "    jobs:", "      - job-0"]
    for n in range(1, jobs):
        first = max(0, n - 3)
        needed = ", ".join(f"job-{m}" for m in range(first, n))
        lines += [f"      - job-{n}:", f"          requires: [{needed}]"]
        if n % 2:
            lines.append("          size: large")
    return "\n".join(lines) + "\n"
