"""
The exit statuses: few, so that a script can tell what to do by them.

    0     all done
    1     something was not done: a picture refused, a file that can't be read or written
    2     the command line itself is wrong: nothing was done
    3     something kept was damaged or missing, and is mended: all is done, but look why
    130   interrupted (Ctrl-C)
    141   whoever read our output stopped reading, as in `| head`

The last two are what a shell makes of the signals SIGINT (2) and SIGPIPE (13).
"""

from __future__ import annotations

DONE = 0
NOT_DONE = 1
MISUSED = 2
MENDED = 3
INTERRUPTED = 128 + 2
NOT_READ = 128 + 13
