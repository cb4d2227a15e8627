"""`sidestep replay`: plays what was recorded (`proxy.recording`) again, without a network, and tells what differs.

The stack is the one that serves, from the filters down, with a configuration of one's choice. What providers did is
taken from the recording (`stage`), when they did it too, in a time that passes by itself (`moments`); `play` runs the
exchanges at the distances they had, `standing` begins where the recording did, `compare` tells the differences.
"""
