"""How long a config takes to compile, beside reading its YAML alone."""

import yaml

from bench import configs, figures, generate_config
from roundel.compiler import compile_config

BASE_VALUES = {"pipeline.number": 1, "pipeline.git.branch": "main"}


def measure_compiling() -> None:
    measure("compile: small config", configs.ONE, 200)
    measure("compile: config of 1,000 jobs", generate_config.config(1000), 5)


def measure(name: str, text: str, n: int) -> None:
    def compiling() -> None:
        compiled = compile_config(text, values=BASE_VALUES)
        assert compiled.plan is not None, compiled.problems

    def reading() -> None:
        for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
            pass

    compiling()
    figures.cost(
        name,
        *figures.in_turns(n, lambda: figures.seconds(compiling), lambda: figures.seconds(reading)),
    )
