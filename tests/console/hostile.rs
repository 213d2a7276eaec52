//! What can go wrong around commands that wait and commands that show what strangers wrote.

use evenkeel_protocol::DrainAnswer;
use harness::prelude::*;
use rustix::process::Signal;

use crate::drain::{pair, running};
use crate::{command, words};

#[test]
fn a_proxy_that_hangs_for_a_while_is_waited_for() {
    let (proxy, [a, _b]) = pair();
    let held = Held::by(&proxy, &a);
    let waiting = running(&proxy, "drain app/a --wait --settle 200ms --timeout 5m");
    waiting.says("app/a: 1 request is in flight");
    signal(proxy.pid(), Signal::STOP);
    waiting.says("the proxy is gone");
    signal(proxy.pid(), Signal::CONT);
    held.answer();
    let ended = waiting.ended().with_code(0);
    assert!(ended.err.contains("the proxy answers again"), "{ended:#?}");
}

#[test]
fn whoever_waits_learns_what_became_of_the_member() {
    for (change, code, says) in [
        ("route", 0, "app/a: safe to stop: "),
        ("factor", 0, "app/a: safe to stop: "),
        ("removed", 3, "the configuration has the member no more; 1 request was in flight"),
    ] {
        let (mut proxy, [a, b]) = pair();
        let held = Held::by(&proxy, &a);
        let waiting = running(&proxy, "drain app/a --wait --settle 100ms --timeout 5m");
        waiting.says("app/a: 1 request is in flight");
        let other = format!("{b} route=b");
        let text = match change {
            "route" => {
                proxy.edit("app", "a", r#"{"route":"z"}"#);
                None
            }
            "factor" => Some(serving([format!("{a} route=a loadfactor=7"), other])),
            _ => Some(serving([other])),
        };
        if let Some(text) = text {
            proxy.reload(text);
        }
        held.answer();
        let ended = waiting.ended().with_code(code);
        assert!(ended.out.contains(says), "{change}: {ended:#?}");
    }
}

#[test]
fn a_roll_survives_a_restart_of_the_proxy_under_its_command() {
    let (mut proxy, _backends) = pair();
    let folder = folder();
    let mark = folder.path().join("go");
    let mut line = words(&proxy, "roll app --only a --settle 0 -- sh -c");
    line.push(format!("echo deploying; while [ ! -e {} ]; do sleep 0.02; done", mark.display()));
    let rolling = Running::start(&evenkeel(), line);
    rolling.says("deploying");
    proxy.kill();
    std::fs::write(&mark, "").unwrap();
    rolling.says("the proxy is gone");
    proxy.restart();
    let ended = rolling.ended().with_code(0);
    assert_eq!(proxy.member("app", "a").words, "Init Ok", "{ended:#?}");
}

#[test]
fn a_disk_that_fails_in_the_middle_is_told_and_told_again_when_it_is_well() {
    let (proxy, [a, _b]) = pair();
    let held = Held::by(&proxy, &a);
    let order = |json: &str| -> DrainAnswer {
        proxy.admin().ask("POST", "/v1/balancers/app/members/a/drain", json).message()
    };
    assert!(order(r#"{"timeout":"10m"}"#).drain.durable);
    let next = proxy.run_folder().join("drains.state.next");
    std::fs::create_dir(&next).unwrap();
    assert!(!order(r#"{"timeout":"20m"}"#).drain.durable);
    let status = command(&proxy, "status").with_code(0).out;
    assert!(status.contains("will not survive a restart"), "{status}");
    std::fs::remove_dir(&next).unwrap();
    assert!(order(r#"{"timeout":"30m"}"#).drain.durable);
    held.answer();
}

#[test]
fn what_strangers_write_reaches_no_terminal_as_it_is() {
    let (proxy, _backends) = pair();
    proxy.edit_balancer("app", r#"{"stickysession":"SID"}"#);
    let long = "n".repeat(10_000);
    let hostile = ["\u{1b}]0;x\u{7}.a", "\u{9b}31m.a", "\u{202e}a.\u{200b}b", "x.\u{1b}[2J", &long];
    for cookie in hostile {
        drop(raw(
            proxy.address(),
            format!(
                "GET /{} HTTP/1.1\r\nHost: x\r\nCookie: SID={cookie}\r\nConnection: close\r\n\r\n",
                "p".repeat(50)
            )
            .as_bytes(),
        ));
    }
    let with = |line: &[&str]| {
        let mut all = words(&proxy, "explain");
        all.pop();
        all.extend(line.iter().map(|word| (*word).to_owned()));
        run(&evenkeel(), all)
    };
    let mut outputs = vec![with(&["elections"]), with(&["sessions", "app"]), with(&["status"])];
    for text in hostile {
        outputs.push(with(&["explain", "--cookie", &format!("SID={text}"), "/"]));
        outputs.push(with(&["explain", &format!("/{text}")]));
        outputs.push(with(&["elections", "--cookie", text]));
        for verb in ["drain", "undrain", "status", "history", "sessions"] {
            let ended = with(&[verb, text]);
            assert!(matches!(ended.code, Some(2 | 3)), "{verb} {text:?}: {ended:#?}");
            outputs.push(ended);
        }
    }
    for ended in &outputs {
        let all = format!("{}{}", ended.out, ended.err);
        let bad = all.chars().find(|c| {
            (c.is_control() && *c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        });
        assert_eq!(bad, None, "{ended:#?}");
        let longest = all.lines().map(str::len).max().unwrap_or_default();
        assert!(longest < 2_000, "a line of {longest} bytes: {}", &all[..400]);
        assert!(ended.code.is_some_and(|code| code < 100), "{ended:#?}");
    }
}
