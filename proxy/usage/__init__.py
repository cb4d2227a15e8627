"""Records of what was used: who asked which model for what, who answered, at what cost and how fast.

`record` is one of them, `writer` keeps them off the request's way in one or several sinks (`sink`), `summary` and
`export` read them again. Where nothing is kept, nothing here is loaded.
"""
