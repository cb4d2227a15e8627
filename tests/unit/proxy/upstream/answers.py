"""Raw answers that scripted upstreams give, and their beginnings."""

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
HI = OK + b"content-length: 2\r\n\r\nhi"
