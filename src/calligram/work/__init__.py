"""
Running and waiting renders, both bounded; each in a process that may be killed.

    workers   Workers: asked by the service, keeps the processes and the queue
    waiting   who is next, and how many may wait: values alone
    children  as many render processes as asked for, whatever becomes of one
    process   one render process, as the server sees it
    child     the program that runs in it, and the messages between the two

A picture is what a stranger sent, and it is unpacked by much C code. So the child is the
less trusted side: it inherits nothing but one socket, and its answers are read strictly.
Whatever happens to it costs one request a RenderStopped, and the next finds another child.
"""

from __future__ import annotations

from calligram.work.waiting import Drawn, Job
from calligram.work.workers import Workers

__all__ = ["Drawn", "Job", "Workers"]
