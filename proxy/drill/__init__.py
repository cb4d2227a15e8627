"""A scripted provider that speaks every dialect and every fault: for `demo`, keyless serving, tests and benchmarks.

It shares no code with the translators, so that it can witness against them: what it accepts and says is written from
the vendors' formats a second time. `provider` is the server, `script` the faults, `load` and `sdk` the clients,
`demo` the story told with them, `keyless` the embedded pair for a machine without keys.
"""
