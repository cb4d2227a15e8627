"""A first request to try a configuration with, as a command to copy."""

from proxy.config.values import Config


def curl(config: Config, data_url: str) -> str:
    """For the data port at `data_url`, without a trailing slash."""
    auth = " -H 'authorization: Bearer YOUR-SIDESTEP-KEY'" if config.clients else ""
    body = f'{{"model": "{_model(config)}", "messages": [{{"role": "user", "content": "Say hello."}}]}}'
    return f"curl -i {data_url}/v1/chat/completions -H 'content-type: application/json'{auth} -d '{body}'"


def _model(config: Config) -> str:
    """A configured name, else the head of the `*` chain by its default."""
    named = next((name for name in config.models if name != "*"), None)
    if named or "*" not in config.models:
        return named or "MODEL"
    head = config.models["*"].chain[0]
    return config.providers[head.provider].default_model or "MODEL" if head.model == "*" else head.model
