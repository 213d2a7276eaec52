//! Any bytes: what the member gets is what a strict reading finds in them, up to where it refuses.
//!
//! Streams of requests are made by a grammar and then spoiled: line ends, lengths, codings, chunk sizes, bytes at
//! any place. `EVENKEEL_CASES` asks for more of them than usual; what fails is printed as small as it can be made.

use harness::eventually::patience;
use harness::strict::reading::{self, Message, all};
use harness::strict::row::Row;
use harness::strict::{Manner, Place, Sight, Site, play, rows};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

/// How many streams are tried, unless more are asked for.
const CASES: u32 = 300;

/// A request that nothing is wrong with.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let method = select(vec!["GET", "POST", "PUT", "DELETE", "BREW"]);
    let target = select(vec!["/", "/a", "/a/b?c=d", "http://b/x", "/%41;x=1", "//y"]);
    let field = select(vec![
        "X-A: b\r\n",
        "x-a:\tb \r\n",
        "Cookie: a=b\r\n",
        "Connection: X-A, keep-alive\r\n",
        "X-Forwarded-For: 1.2.3.4\r\n",
        "Expect: 100-continue\r\n",
        "X-Empty:\r\n",
        "TE: trailers\r\n",
    ]);
    (method, target, prop::collection::vec(field, 0..3), body()).prop_map(
        |(method, target, fields, (framing, body))| {
            let head = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{}{framing}\r\n", fields.concat());
            [head.as_bytes(), &body].concat()
        },
    )
}

/// The fields that frame a body, and the body.
fn body() -> impl Strategy<Value = (String, Vec<u8>)> {
    let data = prop::collection::vec(select(vec![b'a', b'0', b'\r', b'\n', b' ', 0, b'G']), 0..40);
    let chunk = (prop::collection::vec(select(vec![b'a', b'\r', b'\n', b'0']), 1..20), any::<bool>());
    prop_oneof![
        Just((String::new(), Vec::new())),
        data.prop_map(|data| (format!("Content-Length: {}\r\n", data.len()), data)),
        (prop::collection::vec(chunk, 0..4), select(vec!["", "X-T: 1\r\n", "Content-Length: 5\r\n"]))
            .prop_map(|(chunks, trailers)| {
                let mut body = Vec::new();
                for (data, extended) in chunks {
                    let extension = if extended { ";x=y" } else { "" };
                    body.extend_from_slice(format!("{:x}{extension}\r\n", data.len()).as_bytes());
                    body.extend_from_slice(&data);
                    body.extend_from_slice(b"\r\n");
                }
                body.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
                ("Transfer-Encoding: chunked\r\n".to_owned(), body)
            }),
    ]
}

/// What is done to a stream at some place.
#[derive(Debug, Clone)]
enum Spoil {
    /// Puts bytes in.
    Insert(&'static [u8]),
    /// Takes bytes out.
    Remove(usize),
    /// Puts other bytes in the place of the next occurrence of these.
    Replace(&'static [u8], &'static [u8]),
    /// Ends the stream.
    End,
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let inserted: Vec<&'static [u8]> = vec![
        b"\r",
        b"\n",
        b"\r\n",
        b"\0",
        b" ",
        b"\t",
        b":",
        b"0",
        b"f",
        b"\x0b",
        b"\xff",
        b";",
        b",",
        b"+",
        b"Content-Length: 3\r\n",
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Host: b\r\n",
        b": x\r\n",
        b" folded\r\n",
        b"0\r\n\r\n",
        b"GET /in HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    let replaced: Vec<(&'static [u8], &'static [u8])> = vec![
        (b"\r\n", b"\n"),
        (b"\r\n", b"\r"),
        (b"\r\n\r\n", b"\r\n"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"HTTP/1.1", b"HTTP/2.0"),
        (b"Length: ", b"Length: +"),
        (b"Length: ", b"Length: 1"),
        (b"Length: ", b"Length: 0x"),
        (b"chunked", b"chunked, chunked"),
        (b"chunked", b"xchunked"),
        (b"chunked", b"CHUNKED"),
        (b"0\r\n", b"00000000000000000\r\n"),
        (b"0\r\n", b"10000000000000000\r\n"),
        (b";x", b" ;x"),
        (b"Host: a", b"Host: a@b"),
        (b" /", b"  /"),
        (b"GET ", b"HEAD "),
    ];
    prop_oneof![
        3 => select(inserted).prop_map(Spoil::Insert),
        2 => (1_usize..6).prop_map(Spoil::Remove),
        4 => select(replaced).prop_map(|(from, to)| Spoil::Replace(from, to)),
        1 => Just(Spoil::End),
    ]
}

fn spoiled(mut stream: Vec<u8>, spoils: &[(prop::sample::Index, Spoil)]) -> Vec<u8> {
    for (index, spoil) in spoils {
        if stream.is_empty() {
            break;
        }
        let at = index.index(stream.len());
        match spoil {
            Spoil::Insert(bytes) => drop(stream.splice(at..at, bytes.iter().copied())),
            Spoil::Remove(count) => drop(stream.drain(at..(at + count).min(stream.len()))),
            Spoil::End => stream.truncate(at),
            Spoil::Replace(from, to) => {
                let found = stream[at..].windows(from.len()).position(|window| window == *from);
                if let Some(found) = found {
                    drop(stream.splice(at + found..at + found + from.len(), to.iter().copied()));
                }
            }
        }
    }
    stream
}

/// Does the proxy hand such a request on, or answer it itself?
fn is_for_a_member(message: &Message) -> bool {
    let own = matches!(&message.first[0][..], b"TRACE" | b"CONNECT") || message.first[1] == b"*";
    let odd = |value: &[u8]| !value.eq_ignore_ascii_case(b"100-continue");
    !own && !all(&message.fields, "expect").any(odd)
}

/// Does the connection end behind such a request?
fn is_last(message: &Message) -> bool {
    let options = all(&message.fields, "connection").flat_map(|value| value.split(|byte| *byte == b','));
    let options: Vec<Vec<u8>> = options.map(|option| option.trim_ascii().to_ascii_lowercase()).collect();
    let stays = message.first[2] == b"HTTP/1.1" || options.iter().any(|option| option == b"keep-alive");
    !stays || options.iter().any(|option| option == b"close")
}

/// A row of these bytes; the client waits for that many answers and sends no more.
fn row_of(bytes: &[u8], answers: usize) -> Row {
    let text = bytes.iter().fold(String::new(), |text, byte| text + &format!("\\x{byte:02x}"));
    let waits = "{answer}".repeat(answers);
    rows("a stream", &format!("row stream\n> {text}{waits}{{close}}\n= closes\n")).remove(0)
}

/// What is wrong with what the member got.
fn wrong(bytes: &[u8], sight: &Sight, whole: bool) -> Option<String> {
    let (read, _) = reading::requests(bytes);
    let last = read.iter().position(is_last).map_or(read.len(), |last| last + 1);
    let expected: Vec<&Message> = read[..last].iter().filter(|message| is_for_a_member(message)).collect();
    if let Some(why) = &sight.garbage {
        return Some(format!("the member got {why}"));
    }
    if sight.messages.len() > expected.len() || (whole && sight.messages.len() < expected.len()) {
        return Some(format!("{} messages instead of {}", sight.messages.len(), expected.len()));
    }
    for (at, (seen, expected)) in sight.messages.iter().zip(expected).enumerate() {
        let same = seen.first[0] == expected.first[0] && seen.body == expected.body;
        if !same || !seen.canonical {
            return Some(format!("message {at} is {seen:?} instead of {expected:?}"));
        }
    }
    sight.after.as_ref().map(|after| format!("the next client got {after}"))
}

/// Plays streams; tells the smallest one that fails.
fn hold(whole: bool, streams: impl Strategy<Value = Vec<u8>>, cases: u32) {
    let place = Place::ours(Site::named("plain").unwrap());
    let seed = std::env::var("EVENKEEL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&streams, |bytes| {
        let (read, _) = reading::requests(&bytes);
        let sight = play(&place, &row_of(&bytes, read.len()), Manner { quiet: patience() / 5 });
        match wrong(&bytes, &sight, whole) {
            None => Ok(()),
            Some(why) => Err(TestCaseError::fail(format!(
                "{why}\nthe member got {}\nthe client got {}",
                sight.taken.escape_ascii(),
                sight.given.escape_ascii()
            ))),
        }
    });
    if let Err(TestError::Fail(why, bytes)) = outcome {
        panic!("EVENKEEL_SEED={seed}: {}\n{why}", bytes.escape_ascii());
    }
}

fn cases() -> u32 {
    std::env::var("EVENKEEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES)
}

#[test]
fn requests_that_nothing_is_wrong_with_arrive_one_by_one() {
    let streams = prop::collection::vec(request(), 1..5).prop_map(|requests| requests.concat());
    hold(true, streams, cases() / 3);
}

#[test]
fn of_spoiled_streams_the_member_gets_a_strict_beginning_or_nothing() {
    let spoils = prop::collection::vec((any::<prop::sample::Index>(), spoil()), 1..4);
    let streams = (prop::collection::vec(request(), 1..4), spoils)
        .prop_map(|(requests, spoils)| spoiled(requests.concat(), &spoils));
    let streams = streams.prop_filter("a client that sends nothing", |stream| !stream.is_empty());
    hold(false, streams, cases());
}
