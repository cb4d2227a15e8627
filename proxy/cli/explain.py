"""`sidestep explain`: for one request, the targets in order, what each would lose, under which settings, and how long
it could take. With `--admin` it tells besides how a running proxy stands, and what that makes of the plan."""

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from proxy.cli import client
from proxy.cli.options import Stop, add_config, add_json, load
from proxy.cli.selection import chosen_lines
from proxy.cli.state import add_admin, live
from proxy.cli.tables import printable

if TYPE_CHECKING:
    from proxy.cli.options import Commands
    from proxy.config.load import Loaded
    from proxy.config.values import Config, Provider
    from proxy.routing.explain import Explanation, Row
    from proxy.routing.live import Live
    from translators.profile import Profile

    ProfileOf = Callable[[Provider, str], Profile]

FILE_LIMIT = 64 * 1024 * 1024
HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
HELLO_AT: dict[str, dict[str, Any]] = {
    "/v1/embeddings": {"input": "Hello"},
    "/v1/responses": {"input": "Hello"},
    "/v1/completions": {"prompt": "Hello"},
}
"""What stands for a request where none is given, by the path it is sent to."""


SAID = {"task": "the task it is for", "strategy": "which strategy chooses", "user": "for whom it is"}
"""What a request may say by a header of Sidestep's."""


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "explain",
        help="tell what would happen to a request, without sending it",
        description="Tells for one request which targets would be tried in which order, which are skipped and why, "
        "what each translation would lose, the settings and where they come from, and the worst-case time. Calls no "
        "provider, unless --ask is given; with --admin it asks a running proxy how it stands, and tells what would "
        "happen now.",
    )
    parser.add_argument("--model", metavar="NAME", help="the model asked for (default: the one in --file)")
    parser.add_argument("--file", metavar="REQUEST.json", help="a request body (default: a greeting)")
    parser.add_argument(
        "--path",
        metavar="PATH",
        help="the path it is sent to, such as /v1/messages (default: /v1/embeddings for a body with `input` and "
        "for a model of vectors, else /v1/chat/completions)",
    )
    parser.add_argument(
        "--ask",
        action="store_true",
        help="first ask the providers that tell what their models can do, as a running proxy does daily",
    )
    for name, what in {**SAID, "team": "for which team it is; with --client"}.items():
        parser.add_argument(f"--{name}", metavar="NAME", help=f"as if the request had x-sidestep-{name}: {what}")
    parser.add_argument(
        "--client",
        metavar="NAME",
        help="instead of a request: what this client may ask for, which budgets and rates hold for it and, with "
        "--admin, what is left of them",
    )
    add_admin(parser)
    add_config(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.admin_token and not arguments.admin:
        raise Stop("--admin-token is for the proxy that --admin names, and there is none", code=2)
    if arguments.client is not None:
        return client.run(arguments)
    if arguments.team is not None:
        raise Stop("--team is for --client: it decides what a request is counted for, not who serves it", code=2)
    body = _body(arguments)
    loaded = load(arguments.config, keys=arguments.ask)
    if arguments.file is None and arguments.path is None:
        body = _greeting(arguments.model, loaded.config)
    stands = live(arguments.admin, arguments.admin_token) if arguments.admin else None
    profile_of = _profiles(loaded.config, ask=arguments.ask)
    said = {f"x-sidestep-{name}": value for name in SAID if (value := getattr(arguments, name)) is not None}
    explanation = _explained(loaded, body, arguments.path, profile_of, said)
    now = _explained(loaded, body, arguments.path, profile_of, said, stands) if stands else None
    if not arguments.ask:
        explanation = _hinted(explanation, loaded.config)
    if arguments.json:
        import json  # noqa: PLC0415 - see the package's docstring

        from msgspec import to_builtins  # noqa: PLC0415 - likewise

        print(json.dumps(to_builtins(explanation) | ({"now": to_builtins(now)} if now else {}), indent=2))
        return 0
    print("\n".join(map(_shown, lines(explanation))))
    if now and stands:
        whose = _whose(arguments.admin, stands, loaded.config)
        print("\n".join(map(_shown, live_lines(now, explanation, whose))))
    return 0


def _shown(line: str) -> str:
    """`line` fit for a terminal: a request may have names of any characters."""
    return "\n" * line.startswith("\n") + printable(line.removeprefix("\n"))


def _whose(url: str, stands: "Live", config: "Config") -> str:
    other = "" if stands.source == config.source else f", which is configured by {stands.source}"
    return f"{url.rstrip('/')}{other}"


def _body(arguments: argparse.Namespace) -> dict[str, Any]:
    """The request to explain. Raises Stop when there is none, or it cannot be read."""
    if arguments.model is not None and not arguments.model.isprintable():
        raise Stop("--model must be a name of printable characters", code=2)
    if arguments.file is None:
        if arguments.model is None:
            raise Stop("explain needs --model NAME or --file REQUEST.json", code=2)
        return {"model": arguments.model, **HELLO_AT.get(arguments.path, HELLO)}
    from pathlib import Path  # noqa: PLC0415 - see the package's docstring

    import orjson  # noqa: PLC0415 - likewise

    try:
        with Path(arguments.file).open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
        if len(content) > FILE_LIMIT:
            raise Stop(f"{arguments.file} is larger than the {FILE_LIMIT} bytes that are read")
        body = orjson.loads(content)
    except OSError as error:
        raise Stop(f"{arguments.file} cannot be read: {(error.strerror or 'unknown error').lower()}") from None
    except orjson.JSONDecodeError as error:
        from proxy.service import no_json  # noqa: PLC0415 - likewise

        raise Stop(f"{arguments.file} {no_json(content, error)}") from None
    if not isinstance(body, dict):
        raise Stop(f"{arguments.file} must hold one JSON object, a request body")
    if arguments.model is None and "model" not in body:
        raise Stop(f"{arguments.file} names no model: give one with --model NAME")
    return body if arguments.model is None else {**body, "model": arguments.model}


def _greeting(model: str, config: "Config") -> dict[str, Any]:
    """What stands for a request for a model of which nothing but its name is known."""
    from proxy.cli.plan import for_vectors  # noqa: PLC0415 - see the package's docstring

    path = "/v1/embeddings" if for_vectors(config, model) else ""
    return {"model": model, **HELLO_AT.get(path, HELLO)}


def _profiles(config: "Config", *, ask: bool) -> "ProfileOf":
    """What is known of models: from the rows and the configuration or, where `ask`, from the providers too. One that
    does not tell is a line on standard error."""
    if not ask:
        from proxy.config.profiles import profile_for  # noqa: PLC0415 - see the package's docstring

        return profile_for
    from proxy.cli.asking import asked  # noqa: PLC0415 - see the package's docstring

    profile_of, problems = asked(config)
    for problem in problems:
        print(f"sidestep: {problem}", file=sys.stderr)
    return profile_of


def _hinted(explanation: "Explanation", config: "Config") -> "Explanation":
    """The explanation with what it leaves out, as nobody was asked."""
    from dataclasses import replace  # noqa: PLC0415 - see the package's docstring

    from proxy.cli.asking import hint  # noqa: PLC0415 - likewise

    left_out = hint(config, [row.target for row in explanation.rows])
    return replace(explanation, note=f"{explanation.note} {left_out}") if left_out else explanation


def _explained(
    loaded: "Loaded",
    body: dict[str, Any],
    path: str | None,
    profile_of: "ProfileOf",
    said: dict[str, str],
    stands: "Live | None" = None,
) -> "Explanation":
    """Raises Stop when the request is no request, nothing serves its model, or `path` takes none."""
    from proxy.cli.plan import plan  # noqa: PLC0415 - see the package's docstring
    from proxy.edge.routes import ASKED  # noqa: PLC0415 - likewise
    from proxy.flow import Refused  # noqa: PLC0415 - likewise
    from translators.faults import Malformed  # noqa: PLC0415 - likewise

    try:
        return plan(loaded.config, body, path, profile_of, said, origins=loaded.origins, live=stands)
    except Refused:
        raise Stop(f"--path is '{path}'; it may be {', '.join(ASKED)}", code=2) from None
    except Malformed as error:
        raise Stop(str(error)) from None


def lines(explanation: "Explanation") -> Iterator[str]:
    """The explanation as text."""
    yield f"{explanation.model}: {explanation.reason}"
    if explanation.chosen is not None:
        yield from chosen_lines(explanation.chosen)
    for place, row in enumerate(explanation.rows, 1):
        yield from _row(place, row)
    yield f"\nat most {_attempts(explanation.total_attempts)}, at worst {explanation.worst_case_s:g} s"
    if explanation.note:
        yield explanation.note
    yield from _defaults()


def _row(place: int, row: "Row") -> Iterator[str]:
    from proxy.tokens import UNSEEN  # noqa: PLC0415 - see the package's docstring

    yield f"  {place}. {row.target} ({row.dialect}): {row.verdict}, {row.reason}"
    if row.order:
        yield f"     order: {row.order}"
    if row.verdict == "tried":
        yield f"     {_attempts(row.attempts)}, at worst {row.worst_case_s:g} s"
        if row.upstream_stream:
            yield "     asked for a stream, which is folded into one answer"
        yield from _said(row)
    for loss in row.losses:
        yield f"     {loss.verdict} {loss.field}: {loss.why}"
    if row.input_tokens_bound is not None:
        unseen = row.input_tokens_bound >= UNSEEN
        yield f"     input: {'as much as the model takes' if unseen else f'at most {row.input_tokens_bound} tokens'}"


def _said(row: "Row") -> Iterator[str]:
    """The settings that somebody set, each with who did."""
    for section, settings in row.settings.items():
        told = [
            f"{name}={_value(setting.value)} ({setting.origin})"
            for name, setting in settings.items()
            if setting.origin != "default"
        ]
        if told:
            yield f"     {section} {' '.join(told)}"


def _defaults() -> Iterator[str]:
    from msgspec import structs  # noqa: PLC0415 - see the package's docstring

    from proxy.config.origins import SECTIONS  # noqa: PLC0415 - likewise
    from proxy.config.values import Provider  # noqa: PLC0415 - likewise
    from translators.ir import Dialect  # noqa: PLC0415 - likewise

    plain = Provider("", Dialect.OPENAI_CHAT, "")
    yield "\nwhere a target says nothing else"
    for section in SECTIONS:
        usual = structs.asdict(getattr(plain, section))
        yield f"  {section:8} {' '.join(f'{name}={_value(value)}' for name, value in usual.items())}"


def _value(value: float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def live_lines(now: "Explanation", free: "Explanation", whose: str) -> Iterator[str]:
    """The plan of this moment as text, beside that with everything `free`."""
    yield f"\nnow, by {whose}"
    for place, row in enumerate(now.rows, 1):
        attempts = f"; {_attempts(row.attempts)}" if row.verdict == "tried" else ""
        yield f"  {place}. {row.target}: {row.verdict}, {row.reason}{attempts}"
        if row.standing is not None:
            stood = row.standing
            told = [f"order: {row.order}"] if row.order else []
            yield f"     {'; '.join([*told, stood.breaker, f'{stood.in_flight} in flight', *stood.notes])}"
    if not any(row.verdict == "tried" for row in now.rows):
        yield "nobody would be asked: the client gets an error at once"
        return
    yield from _total(now, free)


def _total(now: "Explanation", free: "Explanation") -> Iterator[str]:
    before = "" if now.worst_case_s == free.worst_case_s else f" ({free.worst_case_s:g} s with all of them free)"
    yield f"at most {_attempts(now.total_attempts)}, at worst {now.worst_case_s:g} s{before}"
    if now.note:
        yield now.note


def _attempts(count: int) -> str:
    return f"{count} attempt{'' if count == 1 else 's'}"
