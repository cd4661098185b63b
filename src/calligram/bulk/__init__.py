"""
Whole collections: every picture of a folder or a store, drawn or compared.

    places      where pictures lie and where art goes: a folder, or any object store
    renderer    one render process, asked for one picture after the other
    batch       some pictures of a collection, done by one worker, whatever becomes of each
    drawing     what is done with a picture: its art is written down
    comparing   or: it is drawn by two algorithms, and what would change is measured
    crews       who does batches: threads of this process, or a Dask cluster
    run         the story: what is left to do -> batches -> outcomes
    report      what is told of it in the end

A worker is a thread that owns a render process, here or in a Dask worker; both run the same
`do_batch`. Art is written under another name and renamed, and what is there is not drawn again.
So a run may be cut anywhere, and the same command finishes it.
"""
