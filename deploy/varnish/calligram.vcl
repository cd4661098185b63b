vcl 4.1;

# What a cache between clients and Calligram may keep, and what not.
#
#   /v1/pictures/{id}/art/{algorithm}.{format}?options    kept: it never changes
#   anything else, every error, every upload              passed on, and never kept
#
# Default art (/v1/pictures/{id}/art) changes its algorithm one day, so it is passed on and the
# servers answer it with a 304 where they can. A kept art is served whatever becomes of the servers.
#
# Start Varnish with -p http_gzip_support=off: the servers pack art and tell its hash and tag, which
# would no longer be true if Varnish unpacked it.

import std;

include "balancer.vcl";

sub vcl_recv {
    unset req.http.X-Permanent;
    if ((req.method == "GET" || req.method == "HEAD") &&
        req.url ~ "^/v1/pictures/[0-9a-f]{64}/art/[a-z0-9-]+\.[a-z]+(\?|$)") {
        set req.http.X-Permanent = "1";
        # The order of options, and an empty query, make no other art.
        set req.url = std.querysort(regsub(req.url, "\?$", ""));
        # Reading is open, and the address names the format: none of these has a say.
        unset req.http.Authorization;
        unset req.http.Cookie;
        unset req.http.Accept;
        # The servers answer in two codings. Every other wish is one of these two.
        if (req.http.Accept-Encoding ~ "(^|[, ])gzip([, ]|;q=[1.]|;q=0\.[0-9]*[1-9]|$)") {
            set req.http.Accept-Encoding = "gzip";
        } else {
            unset req.http.Accept-Encoding;
        }
        return (hash);
    }
    if (req.method != "GET" && req.method != "HEAD" && req.method != "POST" &&
        req.method != "DELETE" && req.method != "OPTIONS" && req.method != "PUT" &&
        req.method != "PATCH") {
        return (synth(405, "Method Not Allowed"));
    }
    # Bodies are streamed, not gathered: the servers refuse early what is too large or too slow.
    return (pass);
}

sub vcl_hash {
    # Whatever name the service is called by, the art is the same.
    hash_data(req.url);
    return (lookup);
}

sub vcl_backend_fetch {
    unset bereq.http.X-Permanent;
    return (fetch);
}

sub vcl_backend_response {
    # The server was asked anew in the background and is in trouble: what is here is still right.
    if (bereq.is_bgfetch && beresp.status >= 500) {
        return (abandon);
    }
    if (!bereq.uncacheable && beresp.status == 200 && beresp.http.Cache-Control ~ "immutable") {
        # Of this answer and not of the art: they would be wrong for whoever comes later.
        unset beresp.http.X-Request-ID;
        unset beresp.http.Server-Timing;
        unset beresp.http.Set-Cookie;
        # DELETE looks for it.
        set beresp.http.X-Picture = regsub(bereq.url, "^/v1/pictures/([0-9a-f]{64}).*", "\1");
        # A year as the servers say, and a month more while nobody can be asked.
        set beresp.grace = 30d;
        return (deliver);
    }
    # Not kept. And for a second whoever asks for the same is not made to wait in line for it.
    set beresp.uncacheable = true;
    set beresp.ttl = 1s;
    return (deliver);
}

sub vcl_backend_error {
    if (bereq.method == "GET" && bereq.retries == 0) {
        return (retry);
    }
    set beresp.http.Content-Type = "application/problem+json";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "5";
    set beresp.uncacheable = true;
    set beresp.ttl = 0s;
    set beresp.body = """{"type":"/docs#unavailable","title":"Service Unavailable","status":503,"detail":"no server is there; try again in 5 s","code":"unavailable"}
""";
    return (deliver);
}

sub vcl_deliver {
    if (req.http.X-Permanent) {
        if (obj.uncacheable) {
            set resp.http.Cache-Status = "varnish; fwd=miss";
        } else if (obj.hits > 0) {
            set resp.http.Cache-Status = "varnish; hit";
        } else {
            set resp.http.Cache-Status = "varnish; fwd=miss; stored";
        }
        set resp.http.X-Request-ID = req.xid;
    }
    # An operator's delete has passed: this cache forgets the picture too.
    if (req.method == "DELETE" && (resp.status == 204 || resp.status == 202) &&
        req.url ~ "^/v1/pictures/[0-9a-f]{64}$") {
        ban("obj.http.X-Picture == " + regsub(req.url, "^/v1/pictures/", ""));
    }
    unset resp.http.X-Picture;
    unset resp.http.X-Varnish;
    unset resp.http.Via;
    return (deliver);
}

sub vcl_synth {
    set resp.http.Content-Type = "application/problem+json";
    set resp.http.Cache-Control = "no-store";
    set resp.http.Allow = "GET, HEAD, POST, DELETE, OPTIONS";
    set resp.body = """{"type":"/docs#method-refused","title":"Method Not Allowed","status":405,"detail":"this method is not taken here","code":"method-refused"}
""";
    return (deliver);
}
