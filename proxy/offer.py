"""What is offered to whom: the names that a client may ask for, and the targets that may serve it.

Every route asks here, and nowhere else, what a name means; so no route can forget to.

A name that is not open to a client is a 404 `model_not_found`, as it is at the vendors: programs take it for what it
is, a model they cannot have, and choose another. It is told before anybody looks whether there is such a model, so that
nobody can try out names; and only names that are open are told. What is asked at a provider alone that the client's
requests may not go to is a 403. In a chain such targets are passed over and told like any other.

Without limits of its own a client is offered everything, at the cost of a look at two fields.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import structs

from proxy.config.selection import AUTO, leaves_open
from proxy.config.values import Client
from proxy.flow import Exchange
from proxy.routing.resolve import Resolution, Router
from proxy.telemetry.names import PASSTHROUGH, PROVIDER_REFUSED
from translators.faults import Malformed
from translators.ir import MODEL_CAP, Dialect

SHOWN: Final = 8
"""Names that are told of those there are."""
_NAME_SHOWN: Final = 100


class Offer:
    """Of one configuration; `since` is when it was made, in Unix seconds."""

    def __init__(self, router: Router, since: int) -> None:
        self._router = router
        self._since = since

    def chat(self, client: Client | None, asked: str) -> Resolution:
        """The chain for a chat model. Raises Malformed where there is none, or none for this client."""
        if client is None or (client.models is None and client.providers is None):
            found = self._router.chat(asked)
        else:
            found = self._found(client, asked, self._router.chat)
        if found is None:
            raise self._unknown(client, asked)
        return found

    def embeddings(self, client: Client | None, asked: str) -> Resolution:
        """The same for a model that gives vectors."""
        found = self._found(client, asked, self._router.embeddings)
        if found is None:
            raise self._no_vectors(client, asked)
        return found

    def chosen(self, exchange: Exchange, choose: Callable[[Exchange], Resolution | None]) -> Resolution:
        """The chain of whom `choose` takes for an exchange. Raises Malformed where what was asked may not be asked for,
        or nobody was chosen whom this client's requests may go to."""
        client, asked = exchange.client, exchange.asked
        if client is not None and client.models is not None:
            self._check(client, asked)
        found = choose(exchange)
        if found is None:
            raise self._unknown(client, asked)
        return found if client is None or client.providers is None else _open(client, client.providers, asked, found)

    def instead(self, client: Client | None, name: str) -> Resolution | None:
        """The chain of a model that the configuration chose: its name need not be open, its providers must."""
        found = self._router.chat(name)
        if found is None or client is None or client.providers is None:
            return found
        return _narrowed(client.providers, found)

    def passes(self, client: Client | None, provider: str) -> None:
        """Raises Malformed where the client's requests may not pass through, or not to this provider."""
        if client is None:
            return
        if not may_ask(client, PASSTHROUGH):
            message = f"What passes through is not open to the client '{client.name}'; its models lack '{PASSTHROUGH}'."
            raise Malformed(message, code="model_not_found", status=404)
        if client.providers is not None and provider not in client.providers:
            message = f"This request goes to {provider}, which is not open to the client '{client.name}'."
            raise Malformed(message, code=PROVIDER_REFUSED, status=403)

    def listing(self, client: Client | None, wanted: str, dialect: Dialect) -> dict[str, Any]:
        """The names that a client may ask for, or the one that is `wanted`, in its dialect's shape. Raises Malformed
        for one that it may not ask for."""
        described = self._anthropic if dialect is Dialect.ANTHROPIC_MESSAGES else self._openai
        if wanted:
            self._check(client, wanted)
            if len(wanted) > MODEL_CAP or not self._serves(client, wanted):
                raise self._unknown(client, wanted)
            return described(client, wanted)
        names = self.names(client)
        told: dict[str, Any] = {"data": [described(client, name) for name in names]}
        if dialect is not Dialect.ANTHROPIC_MESSAGES:
            return told | {"object": "list"}
        ends = (names[0], names[-1]) if names else (None, None)
        return told | {"has_more": False, "first_id": ends[0], "last_id": ends[1]}

    def names(self, client: Client | None) -> tuple[str, ...]:
        """What a client may ask for by configuration, in its order."""
        names = self._router.names()
        if client is None or (client.models is None and client.providers is None):
            return names
        return tuple(name for name in names if may_ask(client, name) and self._serves(client, name))

    def _found(
        self, client: Client | None, asked: str, resolve: Callable[[str], Resolution | None]
    ) -> Resolution | None:
        if client is None:
            return resolve(asked)
        self._check(client, asked)
        found = resolve(asked)
        if found is None or client.providers is None:
            return found
        return _open(client, client.providers, asked, found)

    def _check(self, client: Client | None, asked: str) -> None:
        if client is not None and not may_ask(client, asked):
            open_to = self._known(self.names(client))
            message = (
                f"The model '{asked[:_NAME_SHOWN]}' is not open to the client '{client.name}'; open are: {open_to}."
            )
            raise Malformed(message, param="model", code="model_not_found", status=404)

    def _serves(self, client: Client | None, name: str) -> bool:
        """Whether anybody serves the name whom the client's requests may go to."""
        return name in self._router.left_open or bool(self._targets(client, name))

    def _targets(self, client: Client | None, name: str) -> list[str]:
        """The providers of the name's targets, in order, as far as they are the client's."""
        for found in (self._router.chat(name), self._router.embeddings(name)):
            providers = [target.provider.name for target in found.targets] if found is not None else []
            if client is not None and client.providers is not None:
                providers = [one for one in providers if one in client.providers]
            if providers:
                return providers
        return []

    def _unknown(self, client: Client | None, model: str) -> Malformed:
        known = self._known(self.names(client))
        why = "is not configured here"
        if leaves_open(model) and not self._router.left_open:
            why = "leaves it open which model serves, and no [strategies] are configured here that choose one"
        message = f"The model '{model[:_NAME_SHOWN]}' {why}; known models: {known}."
        return Malformed(message, param="model", code="model_not_found", status=404)

    def _no_vectors(self, client: Client | None, model: str) -> Malformed:
        """A model may be here and yet give no vectors; saying that nobody knows it would mislead."""
        known = self._known(tuple(name for name in self.names(client) if self._router.embeddings(name)))
        message = f"No target here gives embeddings of '{model[:_NAME_SHOWN]}'; known for embeddings: {known}."
        return Malformed(message, param="model", code="model_not_found", status=404)

    def _known(self, names: tuple[str, ...]) -> str:
        return ", ".join(names[:SHOWN]) or "none"

    def _anthropic(self, _: Client | None, name: str) -> dict[str, Any]:
        since = datetime.fromtimestamp(self._since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"type": "model", "id": name, "display_name": name, "created_at": since}

    def _openai(self, client: Client | None, name: str) -> dict[str, Any]:
        owner = next(iter(self._targets(client, name)), "sidestep")
        return {"id": name, "object": "model", "created": self._since, "owned_by": owner}


def may_ask(client: Client, name: str) -> bool:
    """Whether a name is open to the client, whatever it means."""
    if client.models is None or (leaves_open(name) and AUTO in client.models):
        return True
    return any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in client.models)


def _open(client: Client, providers: tuple[str, ...], asked: str, found: Resolution) -> Resolution:
    """With the targets of these providers alone. Raises Malformed where none is left."""
    narrowed = _narrowed(providers, found)
    if narrowed is None:
        raise _closed_providers(client, asked)
    return narrowed


def _narrowed(providers: tuple[str, ...], found: Resolution) -> Resolution | None:
    """With the targets of these providers alone, the others named; None where none is left."""
    targets = tuple(target for target in found.targets if target.provider.name in providers)
    if len(targets) == len(found.targets):
        return found
    barred = tuple(target.name for target in found.targets if target.provider.name not in providers)
    if not targets:
        return None
    own = found.targets[: found.pool]
    pool = None if found.pool is None else sum(target.provider.name in providers for target in own)
    return structs.replace(found, targets=targets, barred=barred, pool=pool)


def _closed_providers(client: Client, asked: str) -> Malformed:
    message = (
        f"Every target of '{asked[:_NAME_SHOWN]}' is at a provider that is not open to the client '{client.name}'; "
        f"open are: {', '.join(client.providers or ())}."
    )
    return Malformed(message, param="model", code=PROVIDER_REFUSED, status=403)
