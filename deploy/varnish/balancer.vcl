# Where the balancer is. deploy/local/up writes its own.
backend balancer {
    .host = "127.0.0.1";
    .port = "8081";
    .connect_timeout = 2s;
    .first_byte_timeout = 50s;
    .between_bytes_timeout = 10s;
    # Shorter than the balancer keeps a silent connection (60 s).
    .max_connections = 4000;
}
