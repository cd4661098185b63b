"""
The one place where everything is built.

    server        the main process: chooses the port, keeps the folder of metrics, runs Granian
    application   in each server process: settings -> workers -> service -> routes -> application
    keeping       settings -> spool, store, vault: for both, and for commands
    access        settings -> who may ask, and how often

Server processes share nothing but the port, the folder of metrics, and one file in it that
appears when the server is to stop. Parts take plain values; only this room knows settings.

Nothing is imported here: the mover's process is `python -m calligram.compose.draining`, which
must not find itself loaded already, and needs no HTTP server.
"""
