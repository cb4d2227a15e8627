"""`sidestep explain`: for one request, the targets in order, what each would lose, and how long it could take."""

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from proxy.cli.options import Stop, add_config, add_json, load

if TYPE_CHECKING:
    from proxy.cli.options import Commands
    from proxy.config.values import Config
    from proxy.routing.explain import Explanation, Row

FILE_LIMIT = 64 * 1024 * 1024
HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
HELLO_AT: dict[str, dict[str, Any]] = {
    "/v1/embeddings": {"input": "Hello"},
    "/v1/responses": {"input": "Hello"},
    "/v1/completions": {"prompt": "Hello"},
}
"""What stands for a request where none is given, by the path it is sent to."""


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "explain",
        help="tell what would happen to a request, without sending it",
        description="Tells for one request which targets would be tried in which order, which are skipped and why, "
        "what each translation would lose, and the worst-case time. Makes no call, unless --ask is given.",
    )
    parser.add_argument("--model", metavar="NAME", help="the model asked for (default: the one in --file)")
    parser.add_argument("--file", metavar="REQUEST.json", help="a request body (default: a greeting)")
    parser.add_argument(
        "--path",
        metavar="PATH",
        help="the path it is sent to, such as /v1/messages (default: /v1/embeddings for a body with `input`, else "
        "/v1/chat/completions)",
    )
    parser.add_argument(
        "--ask",
        action="store_true",
        help="first ask the providers that tell what their models can do, as a running proxy does daily",
    )
    add_config(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    body = _body(arguments)
    loaded = load(arguments.config)
    explanation = _explained(loaded.config, body, arguments.path, ask=arguments.ask)
    if arguments.json:
        import json  # noqa: PLC0415 - see the package's docstring
        from dataclasses import asdict  # noqa: PLC0415 - likewise

        print(json.dumps(asdict(explanation), indent=2))
    else:
        print("\n".join(lines(explanation)))
    return 0


def _body(arguments: argparse.Namespace) -> dict[str, Any]:
    """The request to explain. Raises Stop when there is none, or it cannot be read."""
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
    return body if arguments.model is None else {**body, "model": arguments.model}


def _explained(config: "Config", body: dict[str, Any], path: str | None, *, ask: bool) -> "Explanation":
    """Raises Stop when the request is no request, nothing serves its model, or `path` takes none."""
    from dataclasses import replace  # noqa: PLC0415 - see the package's docstring

    from proxy.cli.asking import asked, hint  # noqa: PLC0415 - likewise
    from proxy.cli.plan import plan  # noqa: PLC0415 - likewise
    from proxy.config.profiles import profile_for  # noqa: PLC0415 - likewise
    from proxy.edge.routes import ASKED  # noqa: PLC0415 - likewise
    from proxy.flow import Refused  # noqa: PLC0415 - likewise
    from translators.faults import Malformed  # noqa: PLC0415 - likewise

    try:
        profile_of, problems = asked(config) if ask else (profile_for, [])
        made = plan(config, body, path, profile_of)
    except Refused:
        raise Stop(f"--path is '{path}'; it may be {', '.join(ASKED)}", code=2) from None
    except Malformed as error:
        raise Stop(str(error)) from None
    for problem in problems:
        print(f"sidestep: {problem}", file=sys.stderr)
    left_out = "" if ask else hint(config, [row.target for row in made.rows])
    return replace(made, note=f"{made.note} {left_out}") if left_out else made


def lines(explanation: "Explanation") -> Iterator[str]:
    """The explanation as text."""
    yield f"{explanation.model}: {explanation.reason}"
    for place, row in enumerate(explanation.rows, 1):
        yield from _row(place, row)
    yield f"\nat most {explanation.total_attempts} attempts, at worst {explanation.worst_case_s:g} s"
    if explanation.note:
        yield explanation.note


def _row(place: int, row: "Row") -> Iterator[str]:
    from proxy.tokens import UNSEEN  # noqa: PLC0415 - see the package's docstring

    yield f"  {place}. {row.target} ({row.dialect}): {row.verdict}, {row.reason}"
    if row.verdict == "tried":
        yield f"     {row.attempts} attempt{'' if row.attempts == 1 else 's'}, at worst {row.worst_case_s:g} s"
        if row.upstream_stream:
            yield "     asked for a stream, which is folded into one answer"
    for loss in row.losses:
        yield f"     {loss.verdict} {loss.field}: {loss.why}"
    if row.input_tokens_bound is not None:
        unseen = row.input_tokens_bound >= UNSEEN
        yield f"     input: {'as much as the model takes' if unseen else f'at most {row.input_tokens_bound} tokens'}"
