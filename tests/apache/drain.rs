//! Drains that wait, and what a graceful restart makes of them.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::*;

/// A request that `a` holds until the gate opens.
#[track_caller]
fn held(page: &Page) -> (Gate, JoinHandle<()>) {
    let gate = Gate::new();
    let [a, _] = &page.backends;
    a.behaves(Behaviour::HoldsUntil(gate.clone(), Reply::size(100)));
    let to = page.address;
    let fields = [("Cookie", "SID=x.a")];
    // On a busy machine the client may lose patience; the member is asked all the same.
    let client = std::thread::spawn(move || drop(browser().try_send_with(to, ("GET", "/"), &fields, b"")));
    eventually_equal(&1, || gate.waiting());
    (gate, client)
}

/// A command that goes on while the test does something else.
struct Running {
    child: Child,
    err: Arc<Mutex<String>>,
}

impl Running {
    fn start(page: &Page, line: &str) -> Self {
        let mut command = Command::new(evenkeel());
        command.args(page.line(line)).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (err, pipe) = (Arc::new(Mutex::new(String::new())), BufReader::new(child.stderr.take().unwrap()));
        let said = Arc::clone(&err);
        std::thread::spawn(move || {
            for line in pipe.lines().map_while(Result::ok) {
                said.lock().unwrap().extend([line.as_str(), "\n"]);
            }
        });
        Self { child, err }
    }

    /// Waits until it has said that on standard error.
    #[track_caller]
    fn says(&self, text: &str) {
        eventually_true(text, || self.err.lock().unwrap().contains(text));
    }

    /// Its code, and what it told on standard output.
    fn ended(mut self) -> (Option<i32>, String) {
        let status = eventually("the command ends", || self.child.try_wait().unwrap());
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        (status.code(), text)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn it_waits_until_nothing_is_in_flight() {
    for page in of_httpd().into_iter().chain([of_ours()]) {
        let (gate, client) = held(&page);
        let waits = Running::start(&page, "drain app/a --wait --settle 500ms");
        waits.says("1 request is in flight; idle sessions are unknown");
        assert_eq!(page.words("a"), "Init Drn Ok");
        gate.open();
        client.join().unwrap();
        let (code, text) = waits.ended();
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("app/a: idle: no request was in flight for 500ms"), "{text}");
        assert_eq!(page.words("a"), "Init Drn Ok", "it keeps draining");
    }
}

#[test]
fn the_time_that_has_passed_does_what_was_asked() {
    let Some(page) = of_httpd() else { return };
    let (gate, client) = held(&page);
    for (then, words) in [("fail", "Init Drn Ok"), ("restore", "Init Ok"), ("stop", "Init Drn Stop")] {
        let ended =
            page.command(&format!("drain app/a --wait --timeout 500ms --on-timeout {then}")).with_code(124);
        assert!(ended.out.contains("the time has passed with 1 request in flight"), "{}", ended.out);
        assert_eq!(page.words("a"), words, "{then}");
    }
    gate.open();
    client.join().unwrap();
}

#[test]
fn a_graceful_restart_takes_the_drain_away_and_the_command_says_so() {
    let Some(page) = of_httpd() else { return };
    let (gate, client) = held(&page);
    let waits = Running::start(&page, "drain app/a --wait");
    waits.says("1 request is in flight");
    page.httpd.as_ref().unwrap().restart_gracefully();
    // The only process of the old run goes when its last request has gone.
    gate.open();
    client.join().unwrap();
    let (code, text) = waits.ended();
    assert_eq!(code, Some(8), "{text}");
    assert!(text.contains("your drain is gone: httpd was restarted"), "{text}");
}

#[test]
fn members_are_rolled_one_after_the_other() {
    let Some(page) = of_httpd() else { return };
    let line = "roll app --settle 300ms --healthy-within 10s -- sh -c 'test'";
    let mut words = page.line(line);
    words.truncate(words.len() - 3);
    let script = "test -z \"$EVENKEEL_SOCKET\" && echo $EVENKEEL_APACHE $EVENKEEL_ROUTE";
    words.extend(["sh", "-c", script].map(str::to_owned));
    let ended = run(&evenkeel(), &words).with_code(0);
    for route in ["a", "b"] {
        assert!(ended.err.contains(&format!("{} {route}", page.url())), "{}", ended.err);
        assert_eq!(page.words(route), "Init Ok");
    }
}
