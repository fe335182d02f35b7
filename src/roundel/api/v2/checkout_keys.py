"""Checkout keys of projects, in both versions of the API."""

from typing import Literal

import msgspec

from roundel.api.operations import V1, AnyOperation, Call, Operation, Query
from roundel.api.schemas.common import Message, Page, Time, millis
from roundel.api.subjects import PROJECT
from roundel.domain.access import Need
from roundel.domain.checkout_keys import CheckoutKey, KeyType
from roundel.domain.errors import Invalid
from roundel.domain.projects import Project
from roundel.services.checkout_keys import key_named

Wanted = Literal["user-key", "deploy-key", "github-user-key"]
_TYPES = {"deploy-key": KeyType.DEPLOY}


class KeyBody(msgspec.Struct):
    type: Wanted


class KeyShown(msgspec.Struct, rename={"public_key": "public-key", "created_at": "created-at"}):
    public_key: str
    type: Literal["deploy-key", "github-user-key"]
    fingerprint: str
    preferred: bool
    created_at: Time


class KeyShownV1(msgspec.Struct):
    public_key: str
    type: str
    fingerprint: str
    login: str | None
    preferred: bool
    time: Time


def _shown(key: CheckoutKey, fingerprint: str) -> KeyShown:
    return KeyShown(
        key.public_key, key.type.value, fingerprint, key.preferred, millis(key.created_at)
    )


def _shown_v1(key: CheckoutKey) -> KeyShownV1:
    at = millis(key.created_at)
    return KeyShownV1(key.public_key, key.type.value, key.md5, None, key.preferred, at)


async def keys(call: Call[Project, None]) -> Page[KeyShown]:
    digest = call.query.get("digest") or "md5"
    if digest not in ("md5", "sha256"):
        raise Invalid(f"digest: expected md5 or sha256, got {digest[:40]!r}")
    found = await call.app.checkout_keys.checkout_keys(call.subject.id)
    shown = [_shown(it, it.md5 if digest == "md5" else it.sha256) for it in found]
    return Page(shown, None)


async def create(call: Call[Project, KeyBody]) -> KeyShown:
    made = await _create(call)
    return _shown(made, made.md5)


async def _create(call: Call[Project, KeyBody]) -> CheckoutKey:
    type_ = _TYPES.get(call.body.type, KeyType.USER)
    return await call.door.use_cases.add_checkout_key(call.subject, type_)


async def show(call: Call[Project, None]) -> KeyShown:
    key = await _named(call)
    asked = call.path["fingerprint"]
    return _shown(key, key.sha256 if asked == key.sha256 else key.md5)


async def _named(call: Call[Project, None]) -> CheckoutKey:
    found = await call.app.checkout_keys.checkout_keys(call.subject.id)
    return key_named(found, call.path["fingerprint"])


async def remove(call: Call[Project, None]) -> Message:
    await call.door.use_cases.remove_checkout_key(call.subject, call.path["fingerprint"])
    return Message("Checkout key deleted.")


async def keys_v1(call: Call[Project, None]) -> list[KeyShownV1]:
    found = await call.app.checkout_keys.checkout_keys(call.subject.id)
    return [_shown_v1(key) for key in found]


async def create_v1(call: Call[Project, KeyBody]) -> KeyShownV1:
    return _shown_v1(await _create(call))


async def show_v1(call: Call[Project, None]) -> KeyShownV1:
    return _shown_v1(await _named(call))


async def remove_v1(call: Call[Project, None]) -> Message:
    await remove(call)
    return Message("ok")


_ALL = "/project/{project-slug}/checkout-key"
_ONE = _ALL + "/{fingerprint}"

OPERATIONS: list[AnyOperation] = [
    Operation(
        method="GET",
        path=_ALL,
        id="listCheckoutKeys",
        summary="Get all checkout keys",
        tag="Project",
        need=Need.READ,
        subject=PROJECT,
        handler=keys,
        answer=Page[KeyShown],
        query=(Query(name="digest", summary="The form of fingerprints: md5 or sha256."),),
    ),
    Operation(
        method="POST",
        path=_ALL,
        id="createCheckoutKey",
        summary="Create a new checkout key",
        tag="Project",
        need=Need.WRITE,
        subject=PROJECT,
        handler=create,
        body=KeyBody,
        answer=KeyShown,
        status=201,
    ),
    Operation(
        method="GET",
        path=_ONE,
        id="getCheckoutKey",
        summary="Get a checkout key",
        tag="Project",
        need=Need.READ,
        subject=PROJECT,
        handler=show,
        answer=KeyShown,
    ),
    Operation(
        method="DELETE",
        path=_ONE,
        id="deleteCheckoutKey",
        summary="Delete a checkout key",
        tag="Project",
        need=Need.WRITE,
        subject=PROJECT,
        handler=remove,
        answer=Message,
    ),
    Operation(
        method="GET",
        path=_ALL,
        id="checkoutKeysV1",
        summary="All checkout keys",
        tag="v1.1",
        need=Need.READ,
        subject=PROJECT,
        handler=keys_v1,
        prefix=V1,
        answer=list[KeyShownV1],
    ),
    Operation(
        method="POST",
        path=_ALL,
        id="createCheckoutKeyV1",
        summary="Make a checkout key",
        tag="v1.1",
        need=Need.WRITE,
        subject=PROJECT,
        handler=create_v1,
        prefix=V1,
        body=KeyBody,
        answer=KeyShownV1,
        status=201,
    ),
    Operation(
        method="GET",
        path=_ONE,
        id="checkoutKeyV1",
        summary="One checkout key",
        tag="v1.1",
        need=Need.READ,
        subject=PROJECT,
        handler=show_v1,
        prefix=V1,
        answer=KeyShownV1,
    ),
    Operation(
        method="DELETE",
        path=_ONE,
        id="deleteCheckoutKeyV1",
        summary="Remove a checkout key",
        tag="v1.1",
        need=Need.WRITE,
        subject=PROJECT,
        handler=remove_v1,
        prefix=V1,
        answer=Message,
    ),
]
