"""What a container uses, as its engine tells."""

from aiodocker import Docker

from roundel.backends.protocol import Use


async def use_of(engine: Docker, container: str) -> Use | None:
    """Return what a container uses, without what the kernel merely keeps of its files."""
    told = await engine._query_json(
        f"containers/{container}/stats", params={"stream": "false", "one-shot": "true"}
    )
    memory = told.get("memory_stats") or {}
    if "usage" not in memory:
        return None  # it has ended, or the engine has no figures
    details = memory.get("stats") or {}
    kept = details.get("inactive_file", details.get("total_inactive_file", 0))
    nanoseconds = told["cpu_stats"]["cpu_usage"]["total_usage"]
    return Use(cpu_ms=nanoseconds // 1_000_000, memory=max(0, memory["usage"] - kept))
