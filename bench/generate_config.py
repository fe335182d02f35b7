"""Write a config as large as the largest that people have: 1,000 jobs in 35,000 lines.

    python bench/generate_config.py > large.yml
    python bench/generate_config.py --jobs 10 > small.yml

The shape follows real ones: anchors and merge keys, executors, commands with parameters, a matrix,
conditions, here-documents, long scripts, environments, and workflows with requirements.
"""

from __future__ import annotations

import argparse

HEADER = """\
version: 2.1
parameters:
  image-tag: {type: string, default: "2024.01"}
  run-nightly: {type: boolean, default: false}
  shards: {type: integer, default: 4}
defaults: &defaults
  working_directory: ~/project
  environment:
    CI_MODE: full
    GRADLE_OPTS: -Dorg.gradle.daemon=false
executors:
  default:
    parameters:
      size: {type: string, default: medium}
    docker:
      - image: cimg/base:<< pipeline.parameters.image-tag >>
        environment: {LANG: C.UTF-8}
    resource_class: << parameters.size >>
  with-services:
    docker:
      - image: cimg/python:3.12
      - image: cimg/postgres:16.1
        environment: {POSTGRES_USER: ci, POSTGRES_DB: ci}
      - image: cimg/redis:7.2
commands:
  restore:
    parameters:
      key: {type: string}
    steps:
      - restore_cache:
          keys:
            - v1-<< parameters.key >>-{{ .Branch }}-{{ checksum "lock" }}
            - v1-<< parameters.key >>-
  report:
    parameters:
      always: {type: boolean, default: true}
    steps:
      - when:
          condition: << parameters.always >>
          steps:
            - store_test_results: {path: build/reports}
"""

JOB = """\
  job-{n}:
    <<: *defaults
    executor:
      name: default
      size: {size}
    parallelism: {parallel}
    steps:
      - checkout
      - restore:
          key: deps-{m}
      - run:
          name: Install dependencies of module {m}
          command: |
            set -euo pipefail
            python3 -m venv .venv
            . .venv/bin/activate
            pip install --quiet -r requirements/{m}.txt
            echo "export MODULE=module-{m}" >> "$BASH_ENV"
      - run:
          name: Test module {m}
          command: |
            . .venv/bin/activate
            pytest modules/{m} --junitxml=build/reports/{n}.xml
          environment:
            MODULE: module-{m}
            SHARD: "{n}"
          no_output_timeout: 20m
      - run: echo "finished {n} with tag << pipeline.parameters.image-tag >>"
      - report
      - store_artifacts:
          path: build/out
          destination: module-{m}
"""


def entries(first: int, count: int) -> str:
    """Return the invocations of one workflow: chains of five jobs."""
    lines = []
    for n in range(first, first + count):
        if n % 5 == 0:
            lines.append(f"      - job-{n}\n")
        else:
            lines.append(f"      - job-{n}:\n          requires: [job-{n - 1}]\n")
    return "".join(lines)


def config(jobs: int) -> str:
    """Return a config with so many jobs."""
    sizes = ("small", "medium", "large")
    parts = [HEADER, "jobs:\n"]
    parts += [JOB.format(n=n, m=n % 97, size=sizes[n % 3], parallel=1 + n % 4) for n in range(jobs)]
    parts.append("workflows:\n")
    for index, first in enumerate(range(0, jobs, 100)):
        parts.append(f"  flow-{index}:\n")
        if index % 2:
            parts.append("    when:\n      not: << pipeline.parameters.run-nightly >>\n")
        parts.append("    jobs:\n" + entries(first, min(100, jobs - first)))
    return "".join(parts)


def main() -> None:
    """Print the config."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    print(config(parser.parse_args().jobs), end="")


if __name__ == "__main__":
    main()
