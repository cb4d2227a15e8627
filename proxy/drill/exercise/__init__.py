"""`sidestep drill`: somebody's own configuration, with a fault put in front of one of its targets.

`menu` names the faults, `pace` says how fast the configuration's clocks go, `choice` which chain is asked, `middle`
stands between the proxy and its providers, `asking` is the client, `watching` draws the breakers, `judging` says
whether the chain held and why, `run` plays one exercise and `matrix` all of them, `telling` prints.
"""
