//! Conditions and ranges are between client and member: both ends see exactly what the other one wrote.

use harness::prelude::*;

const ASKED: [(&str, &str); 7] = [
    ("Range", "bytes=0-1,5-6"),
    ("If-Range", "\"v1\""),
    ("If-Match", "\"v1\", W/\"v2\""),
    ("If-None-Match", "*"),
    ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("Accept-Encoding", "gzip;q=0.5, br"),
];

#[test]
fn conditions_and_ranges_pass_as_they_are() {
    let backend = BareBackend::new();
    let proxy = proxy(serving([&backend]));
    let mut client = Peer::of(&proxy);
    let fields = ASKED.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
    let ask = format!("GET /file HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
    client.says(&ask);
    let mut member = backend.peer();
    for (status, fields, body) in [
        ("206 Partial Content", "Content-Range: bytes 0-1/9\r\nETag: \"v1\"\r\nContent-Length: 2\r\n", "ab"),
        (
            "206 Partial Content",
            "Content-Type: multipart/byteranges; boundary=b\r\nTransfer-Encoding: chunked\r\n",
            "c\r\n--b\r\n\r\nab--b\r\n0\r\n\r\n",
        ),
        ("304 Not Modified", "ETag: \"v1\"\r\nContent-Length: 900\r\nVary: Cookie\r\n", ""),
        ("304 Not Modified", "ETag: W/\"v1\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", ""),
        ("412 Precondition Failed", "Content-Length: 0\r\n", ""),
        ("416 Range Not Satisfiable", "Content-Range: bytes */9\r\nContent-Length: 3\r\n", "bad"),
        (
            "200 Fine as it is",
            "Accept-Ranges: bytes\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n",
            "\u{1}",
        ),
    ] {
        let head = member.head();
        for (name, value) in ASKED {
            assert_eq!(head.all(name).collect::<Vec<_>>(), [value], "{name}");
        }
        member
            .says(format!("HTTP/1.1 {status}\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n{fields}\r\n{body}"));
        let answer = client.answer("GET");
        assert_eq!(answer.head.first, format!("HTTP/1.1 {status}"));
        for line in fields.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            assert_eq!(answer.head.all(name).collect::<Vec<_>>(), [value], "{status}: {name}");
        }
        assert_eq!(answer.head.all("date").collect::<Vec<_>>(), ["Sun, 06 Nov 1994 08:49:37 GMT"]);
        client.says(&ask);
    }
    member.head();
    member.says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.answer("GET").head.first, "HTTP/1.1 200 OK");
}
