"""Whether every provider of a configuration can be reached, accepts its keys and has its models: `sidestep doctor`.

`examine` makes the checks, of all providers at once, by the engines, codecs and the chain that requests go through.
"""
