//! What is measured of members: the same numbers on every surface, an hour of them, and Prometheus' form of them.

#![expect(clippy::float_cmp, clippy::cast_precision_loss, reason = "counts of a test are small and exact")]

use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use evenkeel_protocol::{
    Answers, BalancerName, Call, Code, DrainAnswer, History, HistoryQuery, Latencies, MarkKind,
    MemberSnapshot, Series,
};
use harness::prelude::*;

/// The samples of a text by name and labels. Each family has its two lines first, and its samples in a row.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let (mut samples, mut family, mut seen) = (BTreeMap::new(), String::new(), Vec::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            help.split(' ').next().unwrap().clone_into(&mut family);
            assert!(!seen.contains(&family), "{family} stands twice");
            seen.push(family.clone());
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            assert!(kind.starts_with(&family), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with(&family) && family.starts_with("evenkeel_"), "{line} in {family}");
            assert!(samples.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{line} stands twice");
        }
    }
    samples
}

fn metrics(proxy: &Proxy) -> BTreeMap<String, f64> {
    let told = proxy.admin().ask("GET", "/metrics", "");
    assert_eq!(told.status, 200, "{}", told.body);
    assert_eq!(told.head.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    samples(&told.body)
}

#[track_caller]
fn of(samples: &BTreeMap<String, f64>, name: &str, member: &MemberSnapshot, more: &str) -> f64 {
    let key = format!("evenkeel_member_{name}{{balancer=\"app\",member=\"{}\"{more}}}", member.name);
    *samples.get(&key).unwrap_or_else(|| panic!("no {key} in {samples:#?}"))
}

fn history(proxy: &Proxy, member: Option<&str>, series: &[Series], (points, span): (u32, u32)) -> History {
    let app: BalancerName = "app".parse().unwrap();
    let query = HistoryQuery { series: series.to_vec(), points, span };
    proxy.admin().get(&Call::History(app, member.map(str::to_owned), query))
}

/// What the points of a series add up to, and how many are known.
fn sum(history: &History, member: usize, series: Series) -> (f64, usize) {
    let points = &history.members[member].series[&series];
    let seconds = f64::from(u32::try_from(history.step_ms / 1000).unwrap());
    (points.iter().flatten().map(|point| point * seconds).sum(), points.iter().flatten().count())
}

/// A balancer of a good member and of one that answers as it is told, behind a proxy on which traffic was seen.
fn pair() -> (Proxy, [Backend; 2]) {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(serving([format!("{a} route=a"), format!("{b} route=b")]));
    (proxy, [a, b])
}

#[test]
fn answers_are_counted_by_class_and_all_surfaces_agree() {
    let (proxy, [a, b]) = pair();
    for (status, count) in [(200, 4), (302, 2), (404, 6), (500, 2)] {
        b.behaves(Behaviour::Answers(Reply::status(status)));
        visits(&proxy, count);
    }
    let (one, other) = (proxy.member("app", "a"), proxy.member("app", "b"));
    assert_eq!(one.answers, Answers::new([0, 7, 0, 0, 0]));
    assert_eq!(other.answers, Answers::new([0, 2, 1, 3, 1]));
    assert_eq!((one.served, other.served), (7, 7));
    let told = metrics(&proxy);
    for member in [&one, &other] {
        for (class, count) in Answers::NAMES.into_iter().zip(member.answers.classes()) {
            assert_eq!(of(&told, "answers_total", member, &format!(",class=\"{class}\"")), count as f64);
        }
        assert_eq!(of(&told, "elected_total", member, ""), member.elected as f64);
        assert_eq!(of(&told, "sent_bytes_total", member, ""), member.transferred as f64);
        assert_eq!(of(&told, "received_bytes_total", member, ""), member.read as f64);
        assert_eq!(of(&told, "busy", member, ""), 0.0);
        assert_eq!(of(&told, "latency_seconds_count", member, ""), member.served as f64);
        assert_eq!(of(&told, "latency_seconds_bucket", member, ",le=\"+Inf\""), member.served as f64);
        assert_eq!(of(&told, "latency_seconds_bucket", member, ",le=\"16.777216\""), member.served as f64);
        assert!(of(&told, "latency_seconds_sum", member, "") > 0.0);
        assert_eq!(of(&told, "status", member, ",status=\"Drn\""), 0.0);
        assert_eq!(of(&told, "usable", member, ""), 1.0);
    }
    assert_eq!(told["evenkeel_balancer_members_usable{balancer=\"app\"}"], 2.0);
    drop((a, b));
}

#[test]
fn a_drain_is_told_with_its_phase_its_deadline_and_whether_it_has_passed() {
    let (proxy, [a, _b]) = pair();
    let held = Held::by(&proxy, &a);
    let call = Call::BeginDrain("app".parse().unwrap(), "a".to_owned());
    let begin = |json: &str| proxy.admin().ask(call.method(), &call.path(), json).message::<DrainAnswer>();
    let late = format!("evenkeel_drain_late{{balancer=\"app\",member=\"{a}\"}}");
    let deadline = format!("evenkeel_drain_deadline_seconds{{balancer=\"app\",member=\"{a}\"}}");
    assert!(!metrics(&proxy).contains_key(&late));
    begin(r#"{"until":"idle","timeout":"10m"}"#);
    let told = metrics(&proxy);
    assert_eq!((told["evenkeel_drains{phase=\"requests\"}"], told[&late]), (1.0, 0.0));
    assert!((1.0..=600.0).contains(&told[&deadline]), "{}", told[&deadline]);
    begin(r#"{"until":"idle","timeout":"1ms"}"#);
    let has_passed = || Some(metrics(&proxy)).filter(|told| !told.contains_key(&deadline));
    let told = eventually("the drain gives up waiting", has_passed);
    assert_eq!((told["evenkeel_drains{phase=\"requests\"}"], told[&late]), (0.0, 1.0));
    held.answer();
}

#[test]
fn a_request_that_went_elsewhere_is_a_failover_of_the_member_it_left() {
    let (proxy, [a, _b]) = pair();
    a.refuses();
    assert_eq!(visits(&proxy, 2), "bb");
    let left = proxy.member("app", "a");
    assert_eq!((left.failovers, left.failed, left.served), (1, 1, 0));
    assert_eq!(proxy.member("app", "b").failovers, 0);
    assert_eq!(of(&metrics(&proxy), "failovers_total", &left, ""), 1.0);
    assert_eq!(of(&metrics(&proxy), "status", &left, ",status=\"Err\""), 1.0);
}

#[test]
fn latency_is_the_time_to_the_answer_and_not_that_of_a_slow_client() {
    let (gate, [a, b]) = (Gate::new(), backends(["a", "b"]));
    let proxy = proxy(serving([a.to_string(), format!("{b} status=+D")]));
    a.behaves(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
    std::thread::scope(|scope| {
        scope.spawn(|| visits(&proxy, 1));
        eventually_true("the member works on it", || gate.waiting() == 1);
        let stopwatch = Stopwatch::start();
        eventually_true("a third of a second", || stopwatch.elapsed().as_millis() > 333);
        gate.open();
    });
    let waited = eventually("a sample", || proxy.member("app", &a).latency.last_10s);
    assert_eq!(waited.samples, 1);
    assert!(waited.p50_us > 300_000 && waited.p50_us == waited.p99_us, "{waited:?}");
    // The other is elected now, by a client that takes its time with the body.
    proxy.edit("app", &a, r#"{"disabled":true}"#);
    proxy.edit("app", &b, r#"{"disabled":false}"#);
    let mut client = connect(proxy.address()).unwrap();
    client
        .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nab")
        .unwrap();
    eventually_true("its head is at the member", || proxy.member("app", &b).busy == 1);
    let stopwatch = Stopwatch::start();
    eventually_true("a third of a second", || stopwatch.elapsed().as_millis() > 333);
    client.write_all(b"cd").unwrap();
    let quick = eventually("a sample", || proxy.member("app", &b).latency.last_10s);
    assert!(quick.samples == 1 && quick.p99_us < 200_000, "{quick:?}");
}

#[test]
fn the_history_knows_of_sessions_from_when_a_window_was_seen() {
    let [a, b] = backends(["a", "b"]);
    let proxy = proxy(format!(
        "<Proxy balancer://app>
            BalancerMember {a} route=a
            BalancerMember {b} route=b
            ProxySet stickysession=SID sessionwindow=2s
        </Proxy>
        ProxyPass / balancer://app/"
    ));
    for session in ["1.a", "2.a"] {
        browser().cookie("SID", session).get(&proxy, "/");
    }
    let points = |member: &str| {
        let seen = history(&proxy, Some(member), &[Series::Sessions], (60, 60));
        let points = seen.members[0].series[&Series::Sessions].iter().copied();
        points.skip_while(Option::is_none).collect::<Vec<_>>()
    };
    let seen = eventually("they are gone", || Some(points("a")).filter(|seen| seen.contains(&Some(0.0))));
    // The first sample may fall between the two.
    let both = seen.iter().position(|point| *point == Some(2.0)).expect("a sample with both");
    assert!(both <= 1 && seen[both..].is_sorted_by(|one, next| one >= next), "{seen:?}");
    let others = points("b");
    assert!(others.iter().all(|point| *point == Some(0.0)) && others.len() < seen.len(), "{others:?}");
}

#[test]
fn the_history_has_all_that_happened_and_marks_of_what_was_done() {
    let (proxy, _backends) = pair();
    // What happened before the first look of the sampler is in no second.
    eventually_true("the sampler runs", || {
        sum(&history(&proxy, None, &[Series::Busy], (60, 60)), 0, Series::Busy).1 > 0
    });
    visits(&proxy, 20);
    proxy.edit("app", "a", r#"{"drain":true}"#);
    let series = [Series::Elected, Series::Served, Series::To, Series::P99, Series::Erring, Series::Sessions];
    let seen = eventually("the second is over", || {
        let seen = history(&proxy, Some("a"), &series, (60, 60));
        (sum(&seen, 0, Series::Served).0 >= 10.0).then_some(seen)
    });
    assert_eq!((seen.members.len(), seen.step_ms), (1, 1000));
    assert_eq!(seen.members[0].series.len(), series.len());
    assert!(seen.members[0].series.values().all(|points| points.len() == 60));
    assert_eq!((sum(&seen, 0, Series::Elected).0, sum(&seen, 0, Series::Erring).0), (10.0, 0.0));
    assert_eq!(sum(&seen, 0, Series::To).0, proxy.member("app", "a").transferred as f64);
    let (_, known) = sum(&seen, 0, Series::P99);
    assert!((1..=2).contains(&known), "where nothing was answered there is no latency: {seen:?}");
    assert_eq!(sum(&seen, 0, Series::Sessions).1, 0);
    let first = &seen.members[0].series[&Series::Elected];
    assert_eq!(first[0], None, "before the proxy began nothing is known");
    let kinds: Vec<MarkKind> = seen.marks.iter().map(|mark| mark.kind).collect();
    assert_eq!(kinds, [MarkKind::Started, MarkKind::Edited]);
    assert!(seen.marks[1].text.contains("drain Off -> On"), "{:?}", seen.marks);
    assert_eq!(seen.marks_from, seen.from);
    let other = history(&proxy, Some("b"), &[Series::Elected], (60, 60));
    assert_eq!(other.marks.len(), 1, "an edit of another member is no mark");
    // Coarser, and of all members.
    let all = history(&proxy, None, &[Series::Served], (30, 3600));
    assert_eq!((all.members.len(), all.step_ms), (2, 120_000));
    assert!(all.members.iter().all(|member| member.series[&Series::Served].iter().flatten().count() >= 1));
}

#[test]
fn a_history_that_cannot_be_had_is_refused_by_name() {
    let (proxy, _backends) = pair();
    for (path, code, said) in [
        ("/v1/balancers/app/history?series=load", Code::Invalid, "series: must be elected"),
        ("/v1/balancers/app/history?span=3601", Code::Invalid, "span: must be a whole number from 1 to 3600"),
        ("/v1/balancers/app/members/zz/history", Code::NotFound, "zz"),
        ("/v1/balancers/zz/history", Code::NotFound, "there is no balancer zz"),
    ] {
        let refusal = proxy.admin().ask("GET", path, "").refusal();
        assert!(refusal.code == code && refusal.message.contains(said), "{path}: {refusal:?}");
    }
    let whole = "/v1/balancers/app/history?points=3600&span=3600&series=elected,busy";
    assert_eq!(proxy.admin().ask("GET", whole, "").status, 200);
}

#[test]
fn a_reload_keeps_history_and_counters_of_members_that_stay() {
    let [a, b] = backends(["a", "b"]);
    let mut proxy = proxy(serving([a.to_string(), b.to_string()]));
    let series = [Series::Served];
    eventually_true("the sampler runs", || {
        sum(&history(&proxy, None, &series, (60, 60)), 0, Series::Served).1 > 0
    });
    visits(&proxy, 10);
    let seen =
        |proxy: &Proxy| sum(&history(proxy, Some(&a.to_string()), &series, (60, 60)), 0, Series::Served).0;
    eventually_true("the second is over", || seen(&proxy) >= 5.0);
    let before = metrics(&proxy);
    proxy.reload(serving([format!("{a} loadfactor=3"), b.to_string()]));
    assert_eq!(seen(&proxy), 5.0);
    assert_eq!(proxy.member("app", &a).latency.last_10s.unwrap().samples, 5);
    let after = metrics(&proxy);
    for (name, value) in
        before.iter().filter(|(name, _)| name.contains("_total{") || name.contains("_count{"))
    {
        assert!(after[name] >= *value, "{name} went back from {value} to {}", after[name]);
    }
    assert_eq!(after["evenkeel_config_reloads_total"], 1.0);
    // A change of the method sets httpd's columns back, and no counter.
    proxy.edit_balancer("app", r#"{"lbmethod":"bytraffic"}"#);
    assert_eq!(proxy.member("app", &a).transferred, 0);
    assert!(of(&metrics(&proxy), "sent_bytes_total", &proxy.member("app", &a), "") > 0.0);
    // One that is gone takes its past along.
    proxy.reload(serving([b.to_string()]));
    proxy.reload(serving([a.to_string(), b.to_string()]));
    assert_eq!((seen(&proxy), proxy.member("app", &a).latency), (0.0, Latencies::default()));
}

/// One request to an address of `MetricsListen`.
fn scrape(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(patience())).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: anything\r\n\r\n").unwrap();
    let mut from = BufReader::new(stream);
    let head = Head::read(&mut from).unwrap().expect("an answer");
    let method = request.split(' ').next().unwrap();
    let body = read_body(&mut from, Framing::of_answer(&head, method)).unwrap();
    Answer { status: head.word(1).parse().unwrap(), head, body }
}

/// The addresses that the proxy said it tells metrics at.
fn ready(proxy: &Proxy) -> Vec<SocketAddr> {
    let log = proxy.log();
    let lines = log.lines().filter(|line| line.contains("metrics ready"));
    let address = |line: &str| line.split("address=").nth(1)?.split_whitespace().next()?.parse().ok();
    lines.filter_map(address).collect()
}

#[test]
fn metrics_have_an_address_of_their_own_that_moves_with_a_reload() {
    let [a] = backends(["a"]);
    let serving = serving([a.to_string()]);
    let mut proxy = proxy(format!("MetricsListen 127.0.0.1:0\n{serving}"));
    let first = eventually("the address is told", || ready(&proxy).pop());
    visits(&proxy, 3);
    let answer = scrape(first, "GET /metrics?x=1");
    assert_eq!(
        (answer.status, answer.head.header("content-type")),
        (200, Some("text/plain; version=0.0.4; charset=utf-8"))
    );
    let member = proxy.member("app", &a);
    assert_eq!(of(&samples(&answer.text()), "elected_total", &member, ""), 3.0);
    assert_eq!((scrape(first, "HEAD /metrics").status, scrape(first, "HEAD /metrics").body.len()), (200, 0));
    for (request, status) in
        [("POST /metrics", 405), ("GET /", 404), ("GET /v1/snapshot", 404), ("PATCH /v1/x", 404)]
    {
        assert_eq!(scrape(first, request).status, status, "{request}");
    }
    let taken = TcpStream::connect(first).unwrap();
    let refused =
        proxy.try_reload(format!("MetricsListen 127.0.0.1:0\nMetricsListen {}\n{serving}", a.address()));
    assert!(refused.refusal().message.contains("change MetricsListen in the configuration"));
    assert_eq!(scrape(first, "GET /metrics").status, 200, "nothing has changed");
    proxy.reload(&serving);
    eventually_true("nobody listens there any more", || TcpStream::connect(first).is_err());
    proxy.reload(format!("MetricsListen 127.0.0.1:0\n{serving}"));
    let second = eventually("the other address is told", || ready(&proxy).get(1).copied());
    assert_eq!(scrape(second, "GET /metrics").status, 200);
    drop(taken);
}

#[test]
fn those_who_connect_and_say_nothing_leave_room_for_operators() {
    let [a] = backends(["a"]);
    let proxy = proxy(format!("MetricsListen 127.0.0.1:0\n{}", serving([a.to_string()])));
    let address = eventually("the address is told", || ready(&proxy).pop());
    let silent: Vec<TcpStream> = (0..64).map(|_| TcpStream::connect(address).unwrap()).collect();
    assert_eq!(metrics(&proxy)["evenkeel_config_reloads_total"], 0.0);
    assert_eq!(visits(&proxy, 2), "aa");
    assert!(proxy.descriptors() < 64, "those beyond the places are let go");
    drop(silent);
    eventually_true("there is room again", || {
        let stream = TcpStream::connect(address).and_then(|mut stream| {
            stream.set_read_timeout(Some(patience()))?;
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")?;
            Ok(Head::read(&mut BufReader::new(stream))?.is_some())
        });
        stream.unwrap_or(false)
    });
}
