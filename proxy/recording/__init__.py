"""What went through the proxy, written down so that it can be played again (`proxy.replay`): off unless asked for.

`recorder` puts a filter around the exchanges and an engine in front of each provider's; both only note what passes
(`tape`). A thread of its own blanks what must not stand in a file (`masking`), makes a line of it (`telling`, `form`)
and writes it within its bound (`file`).
"""
