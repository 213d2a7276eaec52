//! The codec at work: heads read and written, chunks decoded.
//!
//! The codec is private, and its sources are compiled into this program where they stand: nothing of the proxy becomes
//! public for the sake of a measurement, and a codec that began to need the rest of the proxy would not compile here.

#![expect(
    dead_code,
    unused_imports,
    reason = "the sources hold more than is measured, and their tests' imports"
)]

#[path = "../src/header.rs"]
mod header;
// The whole room but for the streams.
#[path = "../src/http"]
mod http {
    pub(crate) mod answer;
    pub(crate) mod body;
    pub(crate) mod buffer;
    pub(crate) mod chunked;
    mod field;
    pub(crate) mod head;
    pub(crate) mod request;
}
#[path = "../src/limits.rs"]
mod limits;
#[path = "../src/reversal.rs"]
mod reversal;

use std::hint::black_box;
use std::rc::Rc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
// The codec's sources find it at the root.
use evenkeel_proxy::config;

use config::Via;
use header::{After, Forwarding, ToClient, ToMember};
use http::answer::{AnswerHead, Asked};
use http::buffer::{Buffer, Spares};
use http::chunked::Decoder;
use http::head::{Lines, Scan, ScanLimits, Scanned};
use http::request::RequestHead;

/// What a command line client sends.
const SMALL: &str =
    "GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n";

/// What a browser sends.
const BROWSER: &str = "GET /shop/cart?item=4711&step=2 HTTP/1.1\r\n\
    Host: www.example.com\r\n\
    Connection: keep-alive\r\n\
    Cache-Control: max-age=0\r\n\
    sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\n\
    sec-ch-ua-mobile: ?0\r\n\
    sec-ch-ua-platform: \"Linux\"\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Sec-Fetch-Site: same-origin\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Referer: https://www.example.com/shop/\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
    Cookie: theme=dark; JSESSIONID=0123456789ABCDEF0123456789ABCDEF.node1; consent=yes; seen=1731240000\r\n\r\n";

const ANSWER: &str = "HTTP/1.1 200 OK\r\n\
    Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
    Server: origin\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Cache-Control: no-store\r\n\
    ETag: \"5f3b-61a0c2d4\"\r\n\
    Vary: Accept-Encoding\r\n\
    Content-Length: 128\r\n\r\n";

/// A request whose cookie has 4 KiB.
fn heavy() -> String {
    let cookie = "0123456789abcdef".repeat(256);
    format!("GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nAccept: */*\r\nCookie: s={cookie}\r\n\r\n")
}

fn requests() -> [(&'static str, String); 3] {
    [("small", SMALL.to_owned()), ("browser", BROWSER.to_owned()), ("cookie of 4 KiB", heavy())]
}

/// A request as it is read when all of it is there: its end is found, then its parts.
fn request(block: &[u8], lines: Lines) -> Option<RequestHead> {
    let limits = ScanLimits { first: 8190, line: 8190, bare: false };
    match Scan::new(0).look(block, &limits) {
        Scanned::Ends(end) => RequestHead::read(block, 0, end, (100, lines)).ok(),
        _ => None,
    }
}

fn answer(block: &[u8], lines: Lines) -> Option<AnswerHead> {
    AnswerHead::read(block, 0, Asked { head: false, upgrade: None }, lines).ok().flatten()
}

fn length(text: &[u8]) -> Throughput {
    Throughput::Bytes(text.len() as u64)
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read a request");
    for (name, text) in requests() {
        let mut lines = Lines::new();
        assert!(request(text.as_bytes(), Lines::new()).is_some(), "{name} is no request");
        group.throughput(length(text.as_bytes())).bench_function(name, |bencher| {
            bencher.iter(|| {
                let head = request(black_box(text.as_bytes()), std::mem::take(&mut lines));
                lines = head.map(|head| head.lines).unwrap_or_default();
            });
        });
    }
    group.finish();
    let mut lines = Lines::new();
    assert!(answer(ANSWER.as_bytes(), Lines::new()).is_some(), "no answer");
    criterion.benchmark_group("read an answer").throughput(length(ANSWER.as_bytes())).bench_function(
        "7 fields",
        |bencher| {
            bencher.iter(|| {
                let head = answer(black_box(ANSWER.as_bytes()), std::mem::take(&mut lines));
                lines = head.map(|head| head.lines).unwrap_or_default();
            });
        },
    );
}

fn write(criterion: &mut Criterion) {
    let spares = Rc::new(Spares::default());
    let mut out = spares.small();
    let forwarding = Forwarding {
        server_name: None,
        preserve_host: false,
        add_headers: true,
        via: Via::Off,
        expect: true,
    };
    let mut group = criterion.benchmark_group("write a request");
    for (name, text) in requests() {
        let Some(head) = request(text.as_bytes(), Lines::new()) else { continue };
        let to_member = ToMember {
            head: &head,
            block: text.as_bytes(),
            target: ["/app", std::str::from_utf8(head.target.of(text.as_bytes())).unwrap_or_default()],
            authority: "10.0.0.1:8080",
            client: "127.0.0.1",
            keep: true,
            upgrade: None,
            ping: false,
        };
        group.throughput(length(text.as_bytes())).bench_function(name, |bencher| {
            bencher.iter(|| written(&mut out, |out| to_member.write(&forwarding, out)));
        });
    }
    group.finish();
    let Some(head) = answer(ANSWER.as_bytes(), Lines::new()) else { return };
    let to_client = ToClient {
        head: &head,
        block: ANSWER.as_bytes(),
        after: After::Keep { told: false },
        chunks: false,
        reversals: &[],
        host: b"www.example.com",
        via: Via::Off,
        server: b"",
        date: b"",
        cookie: None,
        changes: None,
    };
    criterion.benchmark_group("write an answer").throughput(length(ANSWER.as_bytes())).bench_function(
        "7 fields",
        |bencher| {
            bencher.iter(|| written(&mut out, |out| to_client.write(out)));
        },
    );
}

/// How many bytes `write` puts into an empty buffer.
fn written(out: &mut Buffer, write: impl Fn(&mut Buffer)) -> usize {
    out.clear(0);
    write(black_box(out));
    out.len()
}

/// 16 KiB of data in so many chunks of one size, as far as that goes.
fn chunked(chunks: usize) -> Vec<u8> {
    const BYTES: usize = 16 * 1024;
    let data = [b'x'; BYTES];
    let mut text = Vec::new();
    for chunk in data.chunks(BYTES.div_ceil(chunks)) {
        text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        text.extend_from_slice(chunk);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"0\r\n\r\n");
    text
}

fn chunks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode 16 KiB");
    for (name, count) in [("in one chunk", 1), ("in 100 chunks", 100)] {
        let text = chunked(count);
        let whole = Decoder::default().decode(&mut text.clone());
        assert!(whole.is_ok_and(|decoded| decoded.end == Some(text.len())), "{name}: no body");
        group.throughput(length(&text)).bench_function(name, |bencher| {
            // Decoding moves the data, so each run has a copy of its own, which is not counted.
            bencher.iter_batched_ref(
                || text.clone(),
                |piece| Decoder::default().decode(black_box(piece)).is_ok(),
                BatchSize::SmallInput,
            );
        });
    }
}

criterion_group!(benches, read, write, chunks);
criterion_main!(benches);
