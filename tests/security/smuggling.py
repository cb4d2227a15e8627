"""Requests that two readers may understand differently, or that no server should take, byte by byte.

`SERVED` are whole requests that are taken, each with the body that is read. `REFUSED` are answered with the status
given and their connection is closed, whatever follows. `UNHEARD` say too little to be answered.
"""

JSON = b"content-type: application/json\r\n"
START = b"POST /v1/embeddings HTTP/1.1\r\nhost: a\r\n" + JSON
GET = b"GET /v1/models HTTP/1.1\r\nhost: a\r\n"
CHUNKED = START + b"transfer-encoding: chunked\r\n\r\n"
HIDDEN = b"GET /v1/hidden HTTP/1.1\r\nhost: a\r\n\r\n"
"""What a smuggler would like to have served as a request of its own."""


def coded(*lines: bytes) -> bytes:
    """A body in one chunk, and these fields before it."""
    return START + b"".join(line + b"\r\n" for line in lines) + b"\r\n2\r\n{}\r\n0\r\n\r\n"


def sized(*lines: bytes, body: bytes = b"{}") -> bytes:
    return START + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


SERVED = {
    "a length": (sized(b"content-length: 2"), b"{}"),
    "a length with zeros before it": (sized(b"content-length: 002"), b"{}"),
    "a length between tabs": (sized(b"content-length:\t2\t"), b"{}"),
    "no length, so no body": (GET + b"\r\n", b""),
    "chunks": (coded(b"transfer-encoding: chunked"), b"{}"),
    "chunked in capitals": (coded(b"Transfer-Encoding: CHUNKED"), b"{}"),
    "chunked after a tab": (coded(b"transfer-encoding:\tchunked"), b"{}"),
    "chunks with extensions": (CHUNKED + b'1;a\r\n{\r\n1;b="c;d"\r\n}\r\n0;e=f\r\n\r\n', b"{}"),
    "a size with zeros before it, in hex of either case": (
        CHUNKED + b"00A\r\n[  1,  2 ]\r\n0000\r\n\r\n",
        b"[  1,  2 ]",
    ),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\nhost: b\r\nauthorization: Bearer x\r\n\r\n", b"{}"),
    "an empty line before the request": (b"\r\n" + sized(b"content-length: 2"), b"{}"),
    "bytes above ASCII in a value": (sized(b"x-name: \xc3\xa9\xff", b"content-length: 2"), b"{}"),
    "two spaces after the method": (GET.replace(b"GET ", b"GET  ") + b"\r\n", b""),
    "a field without a value": (sized(b"x-name:", b"content-length: 2"), b"{}"),
}

REFUSED = {
    # -- where the body ends
    "both lengths": (coded(b"content-length: 2", b"transfer-encoding: chunked"), 400),
    "both lengths, the other way round": (coded(b"transfer-encoding: chunked", b"content-length: 2"), 400),
    "two equal lengths": (sized(b"content-length: 2", b"content-length: 2"), 400),
    "two lengths": (sized(b"content-length: 2", b"content-length: 3", body=b"{}x"), 400),
    "a list of equal lengths": (sized(b"content-length: 2, 2"), 400),
    "a list of lengths": (sized(b"content-length: 2, 3", body=b"{}x"), 400),
    "a length with a sign": (sized(b"content-length: +2"), 400),
    "a negative length": (sized(b"content-length: -2"), 400),
    "a length in hex": (sized(b"content-length: 0x2"), 400),
    "a length with a fraction": (sized(b"content-length: 2.0"), 400),
    "a length with an underscore": (sized(b"content-length: 1_0"), 400),
    "a length in other digits": (sized(b"content-length: \xd9\xa2"), 400),
    "a length of more than 64 bits": (sized(b"content-length: 18446744073709551618"), 400),
    "an empty length": (sized(b"content-length:"), 400),
    "a length in two words": (sized(b"content-length: 1 2"), 400),
    "two codings": (coded(b"transfer-encoding: gzip, chunked"), 501),
    "chunked twice": (coded(b"transfer-encoding: chunked, chunked"), 400),
    "chunked and identity": (coded(b"transfer-encoding: chunked, identity"), 400),
    "identity": (coded(b"transfer-encoding: identity"), 400),
    "identity and chunked": (coded(b"transfer-encoding: identity, chunked"), 501),
    "a comma after chunked": (coded(b"transfer-encoding: chunked,"), 400),
    "a comma before chunked": (coded(b"transfer-encoding: ,chunked"), 501),
    "chunked in quotes": (coded(b'transfer-encoding: "chunked"'), 400),
    "chunked with a parameter": (coded(b"transfer-encoding: chunked;a=b"), 400),
    "xchunked": (coded(b"transfer-encoding: xchunked"), 400),
    "chunked after a vertical tab": (coded(b"transfer-encoding: \x0bchunked"), 400),
    "chunked before a vertical tab": (coded(b"transfer-encoding: chunked\x0b"), 400),
    "chunked after a form feed": (coded(b"transfer-encoding: \x0cchunked"), 400),
    "chunked after a no-break space": (coded(b"transfer-encoding: \xa0chunked"), 400),
    "chunked before a NUL": (coded(b"transfer-encoding: chunked\x00"), 400),
    "chunked on a folded line": (coded(b"transfer-encoding:", b" chunked"), 400),
    "no coding at all": (coded(b"transfer-encoding:"), 400),
    "two fields of coding": (coded(b"transfer-encoding: chunked", b"transfer-encoding: chunked"), 400),
    "two fields of which one is identity": (coded(b"transfer-encoding: identity", b"transfer-encoding: chunked"), 400),
    "a space before the colon of a coding": (coded(b"transfer-encoding : chunked"), 400),
    "a tab before the colon of a length": (sized(b"content-length\t: 2"), 400),
    "an underscore in the name of a length": (sized(b"content_length: 2", b"content-length: 2"), 400),
    "an underscore in the name of a coding": (coded(b"transfer_encoding: chunked", b"transfer-encoding: chunked"), 400),
    # -- chunks
    "a size of more than 64 bits": (CHUNKED + b"10000000000000002\r\n{}\r\n0\r\n\r\n", 400),
    "a negative size": (CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n", 400),
    "a size with a sign": (CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n", 400),
    "a size with 0x": (CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n", 400),
    "a size with an underscore": (CHUNKED + b"0_2\r\n{}\r\n0\r\n\r\n", 400),
    "a space before a size": (CHUNKED + b" 2\r\n{}\r\n0\r\n\r\n", 400),
    "a space after a size": (CHUNKED + b"2 \r\n{}\r\n0\r\n\r\n", 400),
    "a tab after a size": (CHUNKED + b"2\t\r\n{}\r\n0\r\n\r\n", 400),
    "no size": (CHUNKED + b"\r\n{}\r\n0\r\n\r\n", 400),
    "a size that ends with a bare line feed": (CHUNKED + b"2\n{}\r\n0\r\n\r\n", 400),
    "a chunk that ends with a bare line feed": (CHUNKED + b"2\r\n{}\n0\r\n\r\n", 400),
    "a chunk that ends with nothing": (CHUNKED + b"2\r\n{}0\r\n\r\n", 400),
    "a line feed in an extension": (CHUNKED + b"2;a\nb\r\n{}\r\n0\r\n\r\n", 400),
    "a NUL in an extension": (CHUNKED + b"2;a\x00b\r\n{}\r\n0\r\n\r\n", 400),
    "a length among the trailers": (CHUNKED + b"2\r\n{}\r\n0\r\ncontent-length: 9\r\n\r\n", 400),
    "a coding among the trailers": (CHUNKED + b"2\r\n{}\r\n0\r\ntransfer-encoding: gzip\r\n\r\n", 400),
    "a trailer with a space before its colon": (CHUNKED + b"2\r\n{}\r\n0\r\nx : y\r\n\r\n", 400),
    "a trailer that ends with a bare line feed": (CHUNKED + b"2\r\n{}\r\n0\r\nx: y\n\r\n", 400),
    # -- lines and names
    "bare line feeds": ((GET + b"\r\n").replace(b"\r\n", b"\n"), 400),
    "one bare line feed": (GET.replace(b"a\r\n", b"a\n") + b"\r\n", 400),
    "bare carriage returns": (GET.replace(b"a\r\n", b"a\r") + b"x: y\r\n\r\n", 400),
    "a carriage return in a value": (GET + b"x: a\rb\r\n\r\n", 400),
    "a folded line": (GET + b"x: a\r\n b\r\n\r\n", 400),
    "a line that begins with a space": (b"GET /v1/models HTTP/1.1\r\n host: a\r\n\r\n", 400),
    "a space before a colon": (GET + b"x : y\r\n\r\n", 400),
    "no name": (GET + b": y\r\n\r\n", 400),
    "no colon": (GET + b"x\r\n\r\n", 400),
    "a NUL in a name": (GET + b"x\x00: y\r\n\r\n", 400),
    "a NUL in a value": (GET + b"x: a\x00b\r\n\r\n", 400),
    "a control character in a value": (GET + b"x: a\x01b\r\n\r\n", 400),
    "a byte above ASCII in a name": (GET + b"x\xe9: y\r\n\r\n", 400),
    "an underscore in a name": (GET + b"x_y: z\r\n\r\n", 400),
    # -- the first line
    "HTTP/1.0": (GET.replace(b"/1.1", b"/1.0") + b"\r\n", 505),
    "HTTP/0.9, with its version": (GET.replace(b"/1.1", b"/0.9") + b"\r\n", 505),
    "HTTP/0.9, as it was": (b"GET /v1/models\r\n\r\n", 505),
    "HTTP/2's beginning": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/1.2": (GET.replace(b"/1.1", b"/1.2") + b"\r\n", 400),
    "HTTP/11": (GET.replace(b"/1.1", b"/11") + b"\r\n", 400),
    "another protocol": (GET.replace(b"HTTP", b"ICE") + b"\r\n", 400),
    "a tab after the method": (GET.replace(b"GET ", b"GET\t") + b"\r\n", 400),
    "a space in the target": (GET.replace(b"/v1/models", b"/v1/ models") + b"\r\n", 400),
    "a method that is none": (GET.replace(b"GET", b"G@T") + b"\r\n", 400),
    "a method in small letters": (GET.replace(b"GET", b"get") + b"\r\n", 400),
    "a whole URL": (GET.replace(b"/v1", b"http://a/v1") + b"\r\n", 400),
    "a whole URL of another host": (GET.replace(b"/v1", b"http://elsewhere/v1") + b"\r\n", 400),
    "an authority": (b"CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere:443\r\n\r\n", 400),
    "an asterisk": (b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    "a NUL in the target": (GET.replace(b"models", b"mod\x00els") + b"\r\n", 400),
    "a byte above ASCII in the target": (GET.replace(b"models", b"mod\xffels") + b"\r\n", 400),
    # -- the host
    "no host": (b"GET /v1/models HTTP/1.1\r\n\r\n", 400),
    "an empty host": (b"GET /v1/models HTTP/1.1\r\nhost:\r\n\r\n", 400),
    "two hosts": (GET + b"host: b\r\n\r\n", 400),
    "two equal hosts": (GET + b"host: a\r\n\r\n", 400),
    # -- what may not be said twice
    "two keys": (GET + b"authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n", 400),
    "two types": (sized(JSON.strip(), b"content-length: 2"), 400),
    # -- no HTTP at all
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64, 400),
    "words": (b"hello\r\n\r\n", 400),
}

UNHEARD = {
    "nothing": b"",
    "empty lines": b"\r\n\r\n",
    "half a line": b"GET /v1/mod",
    "half a head": GET,
}
