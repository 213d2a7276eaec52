//! The endpoints as `curl` sees them, and what they refuse.

use std::io::{BufReader, Write};

use evenkeel_protocol::endpoint::ENDPOINTS;
use evenkeel_protocol::{BalancerSnapshot, Code, Hello, INTERFACE, Latencies, MemberSnapshot, Snapshot};
use harness::prelude::*;

fn pair() -> (Proxy, [Backend; 2]) {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a
            BalancerMember {b} route=b loadfactor=2
            ProxySet stickysession=SID
        </Proxy>
        ProxyPass /app balancer://app"
    ));
    (proxy, [a, b])
}

/// Without what changes by itself each second.
fn still(mut snapshot: Snapshot) -> Snapshot {
    for member in snapshot.balancers.iter_mut().flat_map(|balancer| &mut balancer.members) {
        member.latency = Latencies::default();
    }
    snapshot
}

#[test]
fn every_row_of_the_table_answers() {
    let (proxy, _backends) = pair();
    // Something to undo.
    proxy.edit("app", "a", r#"{"lbset":1}"#);
    for row in ENDPOINTS {
        let path = row
            .path
            .replace("{balancer}", "app")
            .replace("{member}", if row.method == "DELETE" { "added" } else { "a" })
            .replace("{number}", "1")
            .replace("dry_run={bool}", "dry_run=true")
            .replace("{bool}", "false");
        let json = match row.takes {
            "" => "",
            "question" => r#"{"url":"/app"}"#,
            "member_addition" => r#"{"url":"http://127.0.0.1:1","parameters":["route=added"]}"#,
            _ => "{}",
        };
        let told = proxy.admin().ask(row.method, &path, json);
        assert_eq!(told.status, 200, "{} {path}: {}", row.method, told.body);
    }
}

#[test]
fn the_snapshot_shows_what_is_configured_and_counted() {
    let (proxy, [a, _b]) = pair();
    assert_eq!(browser().visits(&proxy, "/app", 3), "bab");
    let admin = proxy.admin();
    let hello: Hello = admin.ask("GET", "/v1", "").message();
    assert_eq!(
        (hello.product.as_str(), hello.interface, hello.pid),
        ("evenkeel-proxy", INTERFACE, proxy.pid())
    );
    assert_eq!(hello.configuration, proxy.folder().join("site.conf").to_string_lossy());
    let snapshot: Snapshot = admin.ask("GET", "/v1/snapshot", "").message();
    assert_eq!(snapshot.proxy, hello);
    let balancer: BalancerSnapshot = admin.ask("GET", "/v1/balancers/app", "").message();
    let alone = Snapshot { balancers: vec![balancer.clone()], ..snapshot.clone() };
    assert_eq!(still(snapshot), still(alone));
    assert_eq!((balancer.paths.as_slice(), balancer.members.len()), (&["/app".to_owned()][..], 2));
    for selector in ["a".to_owned(), a.to_string(), a.address().to_string()] {
        let member: MemberSnapshot =
            admin.ask("GET", &format!("/v1/balancers/app/members/{selector}"), "").message();
        assert_eq!((member.name.as_str(), member.elected, member.served), (a.to_string().as_str(), 1, 1));
        assert_eq!(member.read, 15 + 6);
        assert_eq!(member.transferred, a.last().head.bytes.len() as u64);
    }
}

#[test]
fn reading_has_no_side_effect() {
    let (proxy, _backends) = pair();
    visits(&proxy, 2);
    let look = || {
        let mut snapshot = proxy.snapshot();
        snapshot.taken = evenkeel_protocol::Timestamp(0);
        still(snapshot)
    };
    let before = look();
    for row in ENDPOINTS.iter().filter(|row| row.method == "GET") {
        let path = row
            .path
            .replace("{balancer}", "app")
            .replace("{member}", "a")
            .replace("{number}", "0")
            .replace("{bool}", "false");
        proxy.admin().ask("GET", &path, "");
    }
    assert_eq!(look(), before);
}

#[test]
fn refusals_name_the_field_and_leave_everything_as_it_was() {
    let (proxy, _backends) = pair();
    let before = proxy.snapshot().balancers;
    let member = "/v1/balancers/app/members/a";
    let balancer = "/v1/balancers/app";
    let deep = format!("{{\"lbset\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    for (method, path, json, code, said) in [
        ("PATCH", member, r#"{"lbfactor":0}"#, Code::Invalid, "lbfactor"),
        ("PATCH", member, r#"{"lbfactor":1e999}"#, Code::Invalid, "lbfactor"),
        ("PATCH", member, r#"{"lbset":100}"#, Code::Invalid, "lbset"),
        ("PATCH", member, r#"{"route":"a b"}"#, Code::Invalid, "route"),
        ("PATCH", member, "{\"route\":\"\\u001b[31m\"}", Code::Invalid, "route"),
        ("PATCH", member, r#"{"drain":1}"#, Code::Invalid, "drain"),
        ("PATCH", member, r#"{"drain":null}"#, Code::Invalid, "drain"),
        ("PATCH", member, r#"{"weight":2}"#, Code::Invalid, "weight"),
        ("PATCH", member, r#"{"drain":true,"drain":false}"#, Code::Invalid, "drain"),
        ("PATCH", member, r#"{"revision":77,"drain":true}"#, Code::Stale, "revision"),
        ("PATCH", balancer, r#"{"lbmethod":"fair"}"#, Code::Invalid, "lbmethod"),
        ("PATCH", balancer, r#"{"timeout":7201}"#, Code::Invalid, "timeout"),
        ("PATCH", balancer, r#"{"stickysession":"a b"}"#, Code::Invalid, "stickysession"),
        ("PATCH", member, "{", Code::BadRequest, "JSON"),
        ("PATCH", member, "[]", Code::Invalid, "object"),
        ("PATCH", member, r#"{"drain":true}x"#, Code::BadRequest, ""),
        ("PATCH", member, "", Code::BadRequest, ""),
        ("PATCH", "/v1/balancers/app/members/zz", "{}", Code::NotFound, "zz"),
        ("PATCH", "/v1/balancers/zz/members/a", "{}", Code::NotFound, "zz"),
        ("GET", "/v1/nothing", "", Code::NotFound, "nothing"),
        ("GET", "/", "", Code::NotFound, ""),
        ("PUT", member, "", Code::MethodNotAllowed, "PUT"),
        ("POST", "/v1/snapshot", "{}", Code::MethodNotAllowed, "POST"),
        ("GET", "/v1/snapshot?x=1", "", Code::BadRequest, ""),
        ("GET", "/v1/events?since=x", "", Code::Invalid, "since"),
        ("PATCH", member, deep.as_str(), Code::Invalid, "lbset"),
    ] {
        let refusal = proxy.admin().ask(method, path, json).refusal();
        let shown = &json[..json.len().min(60)];
        assert!(
            refusal.code == code || (json == deep && refusal.code == Code::BadRequest),
            "{method} {path} {shown}: {refusal:?}"
        );
        let named =
            refusal.message.contains(said) || refusal.field.as_deref() == Some(said) || said == "JSON";
        assert!(named || json == deep, "{method} {path} {shown}: {refusal:?}");
        assert!(refusal.message.chars().all(evenkeel_protocol::clean::is_clean), "{refusal:?}");
    }
    assert_eq!(proxy.snapshot().balancers, before);
}

#[test]
fn a_selector_that_fits_several_is_refused_with_the_list() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a}/one route=x
            BalancerMember {a}/two route=x
        </Proxy>
        ProxyPass / balancer://app/"
    ));
    let refusal = proxy.try_edit("app", "x", r#"{"drain":true}"#).refusal();
    assert_eq!(refusal.code, Code::Ambiguous);
    assert!(refusal.message.contains("/one") && refusal.message.contains("/two"), "{refusal:?}");
}

#[test]
fn what_is_too_large_is_refused() {
    let (proxy, _backends) = pair();
    let member = "/v1/balancers/app/members/a";
    let large = format!("{{\"reason\":\"{}\"}}", "x".repeat(100_000));
    assert_eq!(proxy.admin().ask("PATCH", member, &large).refusal().code, Code::TooLarge);
    let chunked = format!(
        "PATCH {member} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    assert_eq!(proxy.admin().raw(chunked.as_bytes()).unwrap().refusal().code, Code::TooLarge);
    let head = format!(
        "GET /v1 HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(5000)
    );
    // Closing without a word is fine too.
    if let Ok(told) = proxy.admin().raw(head.as_bytes()) {
        assert!((400..500).contains(&told.status), "{told:?}");
    }
    assert_eq!(proxy.member("app", "a").revision, proxy.member("app", "b").revision);
}

#[test]
fn garbage_does_not_shake_the_interface() {
    let (proxy, _backends) = pair();
    for garbage in [
        &b"\r\n\r\n"[..],
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v1 HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /v1\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PATCH /v1/balancers/app/members/a HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n{}",
        b"PATCH /v1/balancers/app/members/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    ] {
        let mut stream = proxy.admin().connect().unwrap();
        drop(stream.write_all(garbage));
        drop(stream.shutdown(std::net::Shutdown::Write));
        let mut seen = Vec::new();
        drop(std::io::Read::read_to_end(&mut stream, &mut seen));
        assert!(!seen.starts_with(b"HTTP/1.1 200"), "{garbage:?} got {}", String::from_utf8_lossy(&seen));
    }
    assert_eq!(proxy.member("app", "a").revision, proxy.member("app", "b").revision);
}

#[test]
fn many_silent_callers_do_not_lock_an_operator_out_for_long() {
    let (proxy, _backends) = pair();
    let silent: Vec<_> = (0..60).map(|_| proxy.admin().connect().unwrap()).collect();
    assert_eq!(proxy.snapshot().balancers.len(), 1);
    drop(silent);
}

/// What the proxy grants on its admin socket.
const CONNECTIONS: usize = 64;
const FOLLOWERS: usize = 48;
const FOLLOW: &str = "/v1/events?follow=true";

#[test]
fn as_many_as_may_follow_leave_room_for_calls() {
    let (proxy, _backends) = pair();
    let mut followers: Vec<Follower> = (0..FOLLOWERS).map(|_| proxy.admin().follow(None)).collect();
    let refusal = proxy.admin().ask("GET", FOLLOW, "").refusal();
    assert_eq!(refusal.code, Code::Unavailable, "{refusal:?}");
    assert_eq!(proxy.snapshot().balancers.len(), 1);
    assert!(proxy.edit("app", "a", r#"{"drain":true}"#).changed);
    for follower in &followers {
        eventually("all hear of it", || follower.heard().pop());
    }
    followers.pop();
    let another = eventually("the place of one that left is free", || {
        let mut stream = proxy.admin().connect().ok()?;
        write!(stream, "GET {FOLLOW} HTTP/1.1\r\nHost: x\r\n\r\n").ok()?;
        let head = Head::read(&mut BufReader::new(stream.try_clone().ok()?)).ok()??;
        (head.word(1) == "200").then_some(stream)
    });
    drop(another);
}

#[test]
fn when_all_places_are_taken_a_call_is_refused_at_once() {
    let (proxy, _backends) = pair();
    let followers: Vec<Follower> = (0..FOLLOWERS).map(|_| proxy.admin().follow(None)).collect();
    let mut silent = Vec::new();
    let watch = Stopwatch::start();
    let refused = eventually("all places are taken", || {
        silent.push(proxy.admin().connect().unwrap());
        let told = proxy.admin().ask("GET", "/v1/snapshot", "");
        (told.status != 200).then_some(told)
    });
    assert!(watch.elapsed() < patience() / 2, "took {:?}", watch.elapsed());
    assert_eq!(refused.refusal().code, Code::Unavailable);
    assert!(silent.len() >= CONNECTIONS - FOLLOWERS - 1, "refused with {} silent callers", silent.len());
    drop((silent, followers));
    eventually_true("the places are free again", || {
        proxy.admin().try_ask("GET", "/v1", "").is_ok_and(|told| told.status == 200)
    });
}
