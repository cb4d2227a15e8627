"""Every name that leaves the process: headers, events, metrics, error codes. They are part of the interface."""

from typing import Final

# -- headers
HOP: Final = "x-sidestep-hop"
"""Set on every call upstream; a request that carries it came from a Sidestep, and would go round in a loop."""
REQUEST_ID: Final = "x-request-id"
ANTHROPIC_REQUEST_ID: Final = "request-id"
"""The same, where Anthropic's SDKs look for it."""
SHOULD_RETRY: Final = "x-should-retry"
"""Whether trying again makes sense, as OpenAI's and Anthropic's SDKs are told."""
PROVIDER: Final = "x-sidestep-provider"
MODEL: Final = "x-sidestep-model"
ATTEMPTS: Final = "x-sidestep-attempts"
SKIPPED: Final = "x-sidestep-skipped"
TRANSLATION: Final = "x-sidestep-translation"
UPSTREAM_ID: Final = "x-sidestep-upstream-id"
DEMO: Final = "x-sidestep-demo"
"""`true` on an answer that a scripted provider of `--demo-without-keys` made up."""
COST: Final = "x-sidestep-cost-usd"
BUDGET: Final = "x-sidestep-budget"
"""Budgets that gave way: `NAME;downgraded`."""
MODE: Final = "x-sidestep-mode"
METADATA: Final = "x-sidestep-metadata"
KEEP_ALIVE: Final = "x-sidestep-keep-alive"
USER: Final = "x-sidestep-user"
TEAM: Final = "x-sidestep-team"
TASK: Final = "x-sidestep-task"
"""On whose account a request goes, where its client may say."""
STRATEGY: Final = "x-sidestep-strategy"
"""Which strategy chooses the model, where the client may say."""
SELECTION: Final = "x-sidestep-selection"
"""Which model was chosen, and by what."""
SESSION: Final = "x-sidestep-session"
"""Which requests are to stay at one target, where a model's `affinity` is by session."""
SIGNATURE: Final = "x-sidestep-signature"
TIMESTAMP: Final = "x-sidestep-timestamp"
"""By whom and when a message to the webhook was sent."""
REQUEST_TIMEOUT: Final = "x-request-timeout"
RETRY_COUNT: Final = "x-stainless-retry-count"
READ_TIMEOUT: Final = "x-stainless-read-timeout"
SDK_TIMEOUT: Final = "x-stainless-timeout"
"""What the vendors' SDKs tell of their own timeout: those for Python the former, those for JavaScript the latter."""

# -- log events
EXCHANGE: Final = "exchange"
OWN_ERROR: Final = "own_error"
RELOAD: Final = "reload"
PROBE: Final = "probe"
STRATEGY_SWITCHED: Final = "strategy"
TRIPPED: Final = "trip"
BUDGET_ALERT: Final = "budget_alert"
MODEL_ALERT: Final = "model_alert"
ALERT_LOST: Final = "alert_lost"

# -- metrics
REQUESTS: Final = "sidestep_requests"
ATTEMPTS_MADE: Final = "sidestep_attempts"
LATE_RESULTS: Final = "sidestep_late_results"
TOKENS: Final = "sidestep_tokens"
COST_USD: Final = "sidestep_cost_usd"
OWN_ERRORS: Final = "sidestep_own_errors"
LOG_LINES_DROPPED: Final = "sidestep_log_lines_dropped"
SPANS_DROPPED: Final = "sidestep_spans_dropped"
RECORDS_DROPPED: Final = "sidestep_records_dropped"
USAGE_DROPPED: Final = "sidestep_usage_dropped"
REQUEST_SECONDS: Final = "sidestep_request_seconds"
TTFT_SECONDS: Final = "sidestep_ttft_seconds"
ADDED_SECONDS: Final = "sidestep_added_seconds"
BREAKER_STATE: Final = "sidestep_breaker_state"
INFLIGHT: Final = "sidestep_inflight"
TASKS: Final = "sidestep_tasks"
MEMORY_BLOCKS: Final = "sidestep_memory_blocks"
PROBES: Final = "sidestep_probes"
PROBE_UP: Final = "sidestep_probe_up"
TARGET_SUCCESS_RATIO: Final = "sidestep_target_success_ratio"
TARGET_SECONDS: Final = "sidestep_target_seconds"
TARGET_TTFT_SECONDS: Final = "sidestep_target_ttft_seconds"
BUDGET_FRACTION: Final = "sidestep_budget_fraction"
BUDGET_ALERTS: Final = "sidestep_budget_alerts"
MODEL_ALERTS: Final = "sidestep_model_alerts"
ALERTS_LOST: Final = "sidestep_alerts_lost"
RELOAD_SUCCESS: Final = "sidestep_config_reload_success"
RELOAD_TIME: Final = "sidestep_config_reload_timestamp_seconds"

OTHER: Final = "other"
"""The label of whatever the configuration does not name."""
PASSTHROUGH: Final = "passthrough"
"""Stands where a model would, for what passes through to a provider."""

# -- error codes
BODY_TOO_LARGE: Final = "body_too_large"
BODY_TOO_SLOW: Final = "body_too_slow"
DEADLINE_EXCEEDED: Final = "deadline_exceeded"
IDENTITY_REFUSED: Final = "identity_refused"
INTERNAL_ERROR: Final = "internal_error"
INVALID_API_KEY: Final = "invalid_api_key"
INVALID_HTTP: Final = "invalid_http"
INSUFFICIENT_QUOTA: Final = "insufficient_quota"
BUDGET_STORE_UNAVAILABLE: Final = "budget_store_unavailable"
UNPRICED_MODEL: Final = "unpriced_model"
REQUEST_TOO_COSTLY: Final = "request_too_costly"
STRATEGY_REFUSED: Final = "strategy_refused"
LOOP_DETECTED: Final = "loop_detected"
METHOD_NOT_ALLOWED: Final = "method_not_allowed"
ORIGIN_REFUSED: Final = "origin_refused"
OVERLOADED: Final = "overloaded"
PROVIDER_REFUSED: Final = "provider_refused"
INVALID_VALUE: Final = "invalid_value"
NOT_ANSWERED: Final = "not_answered"
NOT_RECORDED: Final = "not_recorded"
REQUEST_NOT_FOUND: Final = "request_not_found"
TARGET_NOT_FOUND: Final = "target_not_found"
"""On the admin port alone, which counts nothing by its code."""
UNKNOWN_URL: Final = "unknown_url"
UNSUPPORTED_MEDIA_TYPE: Final = "unsupported_media_type"

CODES: Final = frozenset(
    {
        BODY_TOO_LARGE,
        BODY_TOO_SLOW,
        DEADLINE_EXCEEDED,
        IDENTITY_REFUSED,
        INTERNAL_ERROR,
        INVALID_API_KEY,
        INVALID_HTTP,
        LOOP_DETECTED,
        METHOD_NOT_ALLOWED,
        ORIGIN_REFUSED,
        OVERLOADED,
        PROVIDER_REFUSED,
        UNKNOWN_URL,
        UNSUPPORTED_MEDIA_TYPE,
        "all_targets_failed",
        BUDGET_STORE_UNAVAILABLE,
        REQUEST_TOO_COSTLY,
        STRATEGY_REFUSED,
        UNPRICED_MODEL,
        "content_filter",
        "context_length_exceeded",
        INSUFFICIENT_QUOTA,
        "invalid_json",
        "invalid_type",
        "missing_required_parameter",
        "empty_array",
        "array_above_max_length",
        "string_above_max_length",
        INVALID_VALUE,
        NOT_ANSWERED,
        NOT_RECORDED,
        REQUEST_NOT_FOUND,
        "model_not_found",
        "no_target_available",
        "rate_limit_exceeded",
        "stream_cut",
        "unsupported_parameter",
        "upstream_auth_error",
        "upstream_invalid_response",
    }
)
"""The codes a metric's label may show; others, an upstream's own among them, count as `other`."""
