"""What a runner may say: one function a verb, from a message to an answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from roundel.api.runner.guests import Guest
from roundel.domain.ids import ExecutionId
from roundel.domain.runners import Offer, Orders
from roundel.domain.storage import KeepingServer, LayerConflict
from roundel.wire import messages as say

Verb: TypeAlias = Callable[[KeepingServer, Guest, bytes], Awaitable[object]]


async def claim(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.ClaimAsk)
    guest.check_classes(ask.resource_classes)
    await guest.greet(guest, ask)
    offer = Offer(
        runner_id=guest.runner(ask.runner),
        resource_classes=(guest.resource_class.name,),
        wait_seconds=max(0.0, min(ask.wait_seconds, say.POLL_SECONDS)),
        ahead=max(0, ask.ahead),
    )
    return say.Claimed(order=await server.claim(offer))


async def settle(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.SettleAsk)
    await server.settle(guest.runner(ask.runner), frozenset(map(ExecutionId, ask.holds)))
    return say.Done()


async def resume(server: KeepingServer, guest: Guest, body: bytes) -> object:
    lease = guest.lease(say.unpacked(body, say.Held))
    return say.ResumeAnswer(resumed=await server.resume(lease))


async def renew(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.RenewAsk)
    return await server.renew(guest.lease(ask), ask.samples)


async def report(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.ReportAsk)
    return await server.report(guest.lease(ask), ask.steps)


async def chunk(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.ChunkAsk)
    return await server.chunk(guest.lease(ask), ask.chunks)


async def ship(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.ShipAsk)
    return await server.ship(guest.lease(ask), ask.shipment)


async def canceled(server: KeepingServer, guest: Guest, body: bytes) -> object:
    """Answer after a while in any case: no proxy keeps a silent call open for ever."""
    lease = guest.lease(say.unpacked(body, say.Held))
    try:
        async with asyncio.timeout(say.POLL_SECONDS):
            await server.canceled(lease)
    except TimeoutError:
        return say.Flag(value=False)
    return say.Flag(value=True)


async def called(server: KeepingServer, guest: Guest, body: bytes) -> object:
    """Answer after a while in any case, as `canceled` does."""
    lease = guest.lease(say.unpacked(body, say.Held))
    try:
        async with asyncio.timeout(say.POLL_SECONDS):
            return await server.called(lease)
    except TimeoutError:
        return Orders()


async def finish(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.FinishAsk)
    await server.finish(guest.lease(ask), ask.result)
    return say.Done()


async def end(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.EndAsk)
    await server.end(guest.lease(ask), ask.shipment, ask.result)
    return say.Done()


async def find_cache(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.KeyAsk)
    return say.FoundAnswer(cache=await server.find_cache(guest.lease(ask), ask.keys))


async def has_cache(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.KeyAsk)
    return say.Flag(value=await server.has_cache(guest.lease(ask), "".join(ask.keys[:1])))


async def keep_cache(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.KeepCacheAsk)
    return say.Flag(value=await server.keep_cache(guest.lease(ask), ask.key, ask.blob))


async def drop_cache(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.DropCacheAsk)
    await server.drop_cache(guest.lease(ask), ask.cache)
    return say.Done()


async def layers(server: KeepingServer, guest: Guest, body: bytes) -> object:
    found = await server.layers(guest.lease(say.unpacked(body, say.Held)))
    if isinstance(found, LayerConflict):
        return say.LayersAnswer(conflict=found)
    return say.LayersAnswer(layers=found)


async def keep_layer(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.KeepLayerAsk)
    await server.keep_layer(guest.lease(ask), ask.blob, ask.paths)
    return say.Done()


async def keep_artifact(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.KeepArtifactAsk)
    await server.keep_artifact(guest.lease(ask), ask.path, ask.blob)
    return say.Done()


async def keep_tests(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.KeepTestsAsk)
    await server.keep_tests(guest.lease(ask), ask.part, ask.results)
    return say.Done()


async def timings(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.TimingsAsk)
    return say.TimingsAnswer(seconds=dict(await server.timings(guest.lease(ask), ask.by)))


async def failed_tests(server: KeepingServer, guest: Guest, body: bytes) -> object:
    found = await server.failed_tests(guest.lease(say.unpacked(body, say.Held)))
    return say.FailedTestsAnswer(tests=None if found is None else tuple(found))


async def identity_token(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.IdentityTokenAsk)
    token = await server.identity_token(guest.lease(ask), ask.claims, ask.root_issuer)
    return say.IdentityTokenAnswer(token=token)


async def checkout_password(server: KeepingServer, guest: Guest, body: bytes) -> object:
    return await server.checkout_password(guest.lease(say.unpacked(body, say.Held)))


async def log_release(server: KeepingServer, guest: Guest, body: bytes) -> object:
    ask = say.unpacked(body, say.LogReleaseAsk)
    await server.log_release(guest.lease(ask), ask.release)
    return say.Done()


VERBS: dict[str, Verb] = {
    "claim": claim,
    "settle": settle,
    "resume": resume,
    "renew": renew,
    "report": report,
    "chunk": chunk,
    "ship": ship,
    "canceled": canceled,
    "called": called,
    "finish": finish,
    "end": end,
    "find-cache": find_cache,
    "has-cache": has_cache,
    "keep-cache": keep_cache,
    "drop-cache": drop_cache,
    "layers": layers,
    "keep-layer": keep_layer,
    "keep-artifact": keep_artifact,
    "keep-tests": keep_tests,
    "timings": timings,
    "failed-tests": failed_tests,
    "identity-token": identity_token,
    "checkout-password": checkout_password,
    "log-release": log_release,
}
