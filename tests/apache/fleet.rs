//! A real httpd and a proxy of ours before the same members, seen and steered together: by one confirmed act on the
//! screen, and by commands, also while the httpd stands still, is gone, or swallows what it is told.

use harness::terminal::console_with;

use super::*;

/// Both, with the balancer `app` of the same members `a` and `b`.
struct Pair {
    page: Page,
    ours: Proxy,
}

fn pair() -> Option<Pair> {
    let page = of_httpd()?;
    let ours = proxy(balancer(&page.backends));
    Some(Pair { page, ours })
}

impl Pair {
    fn targets(&self) -> [String; 4] {
        let socket = self.ours.admin().socket().to_string_lossy().into_owned();
        ["--socket".to_owned(), socket, "--apache".to_owned(), self.page.url()]
    }

    fn command(&self, line: &str) -> Ended {
        run(&evenkeel(), self.targets().into_iter().chain(line.split(' ').map(str::to_owned)))
    }

    /// The words of a member's status, of ours and of the httpd.
    fn words(&self, name: &str) -> [String; 2] {
        [self.ours.member("app", name).words, self.page.words(name)]
    }
}

#[test]
fn one_confirmed_act_drains_a_member_of_both() {
    let Some(pair) = pair() else { return };
    let arguments = pair.targets();
    let arguments: Vec<&str> =
        std::iter::once("--write").chain(arguments.iter().map(String::as_str)).collect();
    let terminal = console_with(&arguments).size(120, 36).open();
    terminal.wait_for("all 2 targets answer");
    terminal.wait_for("app/a");
    terminal.keys("jjd");
    let question = terminal.wait_for("Drain app/a in all 2 targets?");
    let waits = ["Waits until no session can come back", "Waits until nothing was in flight"];
    assert!(waits.iter().all(|waits| question.contains(waits)), "{question}");
    // No single command does that: an httpd cannot wait for sessions.
    let commands = ["$ evenkeel --socket ", "$ evenkeel --apache "];
    assert!(commands.iter().all(|command| question.contains(command)), "{question}");
    assert_eq!(pair.words("a"), ["Init Ok", "Init Ok"]);
    terminal.keys("y");
    terminal.wait_for("done in all 2 targets that have it");
    assert_eq!(pair.words("a"), ["Init Drn Ok", "Init Drn Ok"]);
    terminal.keys("<esc>");
    terminal.wait_until("both show it", |frame| frame.to_string().matches("◐ Drn").count() == 2);
    // A graceful restart of the one forgets it, and the other keeps it.
    pair.page.httpd.as_ref().unwrap().restart_gracefully();
    terminal.wait_until("one has forgotten it", |frame| frame.to_string().matches("◐ Drn").count() == 1);
    terminal.wait_for("your drain of app/a is gone");
    terminal.keys("A");
    terminal.wait_for("Drain again app/a in the target that lost it?");
    terminal.keys("y");
    terminal.wait_for("done in the one target that had lost it");
    assert_eq!(pair.words("a"), ["Init Drn Ok", "Init Drn Ok"]);
    terminal.keys("<esc>");
    terminal.wait_until("nothing is lost any more", |frame| !frame.to_string().contains("is gone"));
    terminal.keys("D");
    let question = terminal.wait_for("Disable app/a in all 2 targets?");
    assert!(question.contains("$ evenkeel --socket "), "{question}");
    terminal.keys("y");
    terminal.wait_for("done in all 2 targets that have it");
    assert_eq!(pair.words("a"), ["Init Drn Dis", "Init Drn Dis"]);
}

#[test]
fn a_page_that_hangs_or_is_gone_is_told_by_the_code_and_holds_up_nobody() {
    let Some(mut pair) = pair() else { return };
    pair.command("drain app/a --wait --until idle --settle 100ms").with_code(0);
    pair.command("undrain app/a").with_code(0);
    assert_eq!(pair.words("a"), ["Init Ok", "Init Ok"]);
    let httpd = pair.page.httpd.as_ref().unwrap();
    httpd.freeze();
    let ended = pair.command("drain app/a").with_code(13);
    assert!(ended.err.contains("no answer within") && ended.err.contains("done in 1 of 2"), "{ended:#?}");
    httpd.thaw();
    assert_eq!(pair.words("a"), ["Init Drn Ok", "Init Ok"], "nothing is taken back");
    pair.command("drain app/a").with_code(0);
    assert_eq!(pair.words("a"), ["Init Drn Ok", "Init Drn Ok"]);
    drop(pair.page.httpd.take());
    let ended = pair.command("undrain app/a --json").with_code(13);
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    let [_, socket, _, url] = pair.targets();
    let exits = [&socket, &url].map(|target| told["targets"][target]["exit"].clone());
    assert_eq!(exits, [Value::from(0), Value::from(6)], "{told}");
    assert_eq!(pair.ours.member("app", "a").words, "Init Ok");
}

#[test]
fn a_page_that_swallows_an_edit_is_told_apart_from_one_that_took_it() {
    let backends = backends(["a", "b"]);
    // With nonce=None httpd answers every form and does nothing.
    let lines = balancer(&backends).replace("stickysession=SID", "nonce=None");
    let Some(httpd) = harness::httpd::httpd(lines) else { return };
    let ours = proxy(balancer(&backends));
    let page = Page { address: httpd.address(), backends, httpd: Some(httpd), _proxy: None };
    let pair = Pair { page, ours };
    let ended = pair.command("drain app/a").with_code(13);
    assert!(ended.err.contains("nonce=None") && ended.err.contains("done in 1 of 2"), "{ended:#?}");
    assert_eq!(pair.words("a"), ["Init Drn Ok", "Init Ok"]);
}

#[test]
fn a_member_is_added_where_growth_leaves_room_and_removed_nowhere() {
    let backends = backends(["a", "b"]);
    let lines = balancer(&backends).replace("stickysession=SID", "stickysession=SID growth=1");
    let Some(httpd) = harness::httpd::httpd(lines) else { return };
    let page = Page { address: httpd.address(), backends, httpd: Some(httpd), _proxy: None };
    let newcomer = Backend::new("c");
    let [a, _] = &page.backends;
    let prefixed = page.command(&format!("add app {a}/x")).with_code(10).err;
    assert!(prefixed.contains("which httpd takes for the same member"), "{prefixed}");
    let line = format!("add app {newcomer} route=c loadfactor=2 status=-D");
    let ended = page.command(&line).with_code(0);
    assert!(ended.out.contains(": added (revision "), "{ended:#?}");
    let told: Value = serde_json::from_str(&page.command("status --json app").with_code(0).out).unwrap();
    let member = &told["balancers"][0]["members"][2];
    let shown = ["name", "route", "words"].map(|field| member[field].as_str().unwrap());
    assert_eq!(shown, [newcomer.to_string().as_str(), "c", "Init Ok"], "{member}");
    assert_eq!(member["lbfactor"], 2.0);
    assert!(page.command(&line).with_code(0).out.contains("unchanged"));
    let full = page.command("add app http://127.0.0.1:9").with_code(10).err;
    assert!(full.contains("MaxMembers are 3 [3 Used]") && full.contains("growth="), "{full}");
    let kept = page.command(&format!("remove app/{newcomer}")).with_code(12).err;
    assert!(kept.contains("httpd removes no member"), "{kept}");
}

#[test]
fn the_events_of_both_are_one_feed_that_goes_on_while_one_is_gone() {
    let Some(mut pair) = pair() else { return };
    let folder = folder();
    let [out, err] = ["out", "err"].map(|name| folder.path().join(name));
    let told = |file: &std::path::Path, text: &str| std::fs::read_to_string(file).unwrap().contains(text);
    let targets = pair.targets();
    let (ours, page) = (targets[1].clone(), targets[3].clone());
    let mut feed = std::process::Command::new(evenkeel())
        .args(&targets)
        .args(["events", "--follow", "--json", "--since", &format!("{ours}=0")])
        .stdout(std::fs::File::create(&out).unwrap())
        .stderr(std::fs::File::create(&err).unwrap())
        .spawn()
        .unwrap();
    let of_ours = format!("{{\"target\":\"{ours}\",");
    let of_page = format!("{{\"target\":\"{page}\",");
    eventually_true("ours is told", || told(&out, &of_ours));
    // What follows from looks needs a first look: so it is changed until it is seen.
    let mut lbset = 0;
    eventually_true("the page is told", || {
        lbset = (lbset + 1) % 90;
        pair.page.command(&format!("set app/a lbset={lbset}")).with_code(0);
        told(&out, &of_page)
    });
    pair.ours.terminate();
    eventually_true("it is told that ours is gone", || told(&err, "asking again until it is back"));
    pair.page.command("set app/a lbset=97").with_code(0);
    eventually_true("the other goes on", || told(&out, "\"after\":\"97\""));
    pair.ours.restart();
    eventually_true("ours is back", || told(&err, "the proxy answers again"));
    pair.ours.edit("app", &pair.page.backends[0], r#"{"lbset":98}"#);
    eventually_true("ours is told again", || told(&out, "\"after\":\"98\""));
    feed.kill().unwrap();
    feed.wait().unwrap();
    let lines = std::fs::read_to_string(&out).unwrap();
    let mut numbers: Vec<u64> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["target"] == ours.as_str())
        .map(|event| event["number"].as_u64().unwrap())
        .collect();
    let count = numbers.len();
    numbers.dedup();
    assert!(numbers.is_sorted() && numbers.len() == count, "each is told once, in order: {numbers:?}");
}

#[test]
fn what_a_target_said_that_is_silent_is_told_to_be_old_and_compared_with_nothing() {
    let Some(pair) = pair() else { return };
    pair.page.command("drain app/a").with_code(0);
    let arguments = pair.targets();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let terminal = console_with(&arguments).size(80, 24).open();
    terminal.wait_for("all 2 targets answer");
    let row = |frame: &str| frame.lines().find(|line| line.contains("app/a")).unwrap_or_default().to_owned();
    terminal.wait_until("they differ", |frame| row(&frame.to_string()).contains('≠'));
    pair.page.httpd.as_ref().unwrap().freeze();
    let silent = terminal.wait_for("Member ?=old").to_string();
    assert!(row(&silent).contains("◐ Drn Ok?") && !row(&silent).contains('≠'), "{silent}");
    pair.page.httpd.as_ref().unwrap().thaw();
    terminal.wait_until("they differ again", |frame| row(&frame.to_string()).contains('≠'));
}
