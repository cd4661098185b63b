"""
HTTP and only HTTP.

    Granian -> app -> routes -> art, static -> service
                 problems <- every error

`app` is the door: it gives each request an id, finds its route, and turns what the route
answers or raises into bytes. What HTTP asks of us and needs no server is in small pure
modules: conditional, digests, negotiation, forms.
"""
