//! `drain`, `enable`, `disable`, `stop`, `standby`, and what every edit has in common: its options and its way to
//! the proxy. What came of it is written by [`report`](super::report).

use clap::Args;
use evenkeel_protocol::clean::is_clean;
use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::{BalancerEdit, Edited, ErrorNote, Flag, MemberEdit, Preview, Snapshot};

use super::output::Stop;
use super::report::{States, missing, report_with};
use super::retry::next_try;
use super::{Exit, Session, complete, preview, target};
use crate::client::Client;

/// What can be typed behind a verb.
#[derive(Debug, Args)]
pub struct EditArguments {
    /// The member: BALANCER/MEMBER or MEMBER, by route, host:port or URL
    #[arg(add = complete::members())]
    pub(super) selector: String,
    #[command(flatten)]
    pub(super) options: EditOptions,
}

/// The options of every edit.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, Args)]
pub(super) struct EditOptions {
    /// Why, for the proxy's log of events; at most 200 characters. An httpd keeps it nowhere
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Do it only if the revision is still N (see `status --json`); else exit with 8
    #[arg(long, value_name = "N", value_parser = revision)]
    pub(super) if_revision: Option<u64>,
    /// Only say what it would do, and to whom; the exit code is the one it would end with
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do it even where a guard refuses it, as it does for the last member that serves
    #[arg(long)]
    pub(super) force: bool,
    /// Succeed without a change if there is no such member or balancer
    #[arg(long)]
    pub(super) ignore_missing: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Print nothing but errors
    #[arg(long, short, conflicts_with = "json")]
    pub(super) quiet: bool,
}

fn revision(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "must be a revision: a whole number")
}

impl EditOptions {
    /// As [`reason`].
    pub(super) fn reason(&self) -> Result<Option<Reason>, Stop> {
        reason(self.reason.as_deref())
    }
}

/// The reason, which must be fit for a log as it stands: nothing that was typed is changed in silence.
pub(super) fn reason(text: Option<&str>) -> Result<Option<Reason>, Stop> {
    let Some(text) = text else { return Ok(None) };
    let refuse = |why: String| Err(Stop::Failed(Exit::Invalid, format!("--reason {why}")));
    if text.chars().count() > Reason::LONGEST {
        return refuse(format!("is longer than {} characters", Reason::LONGEST));
    }
    if let Some(c) = text.chars().find(|c| !is_clean(*c)) {
        return refuse(format!("contains the control character U+{:04X}", u32::from(c)));
    }
    Ok(Some(Reason::new(text)))
}

/// What is done to a member or balancer; decides how the result is worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// Sets N.
    Drain,
    /// Clears N.
    Undrain,
    /// Clears N, D and S.
    Enable,
    /// Sets D.
    Disable,
    /// Sets S.
    Stop,
    /// Sets H.
    Standby,
    /// Sets what is listed.
    Set,
    /// Adds it.
    Add,
    /// Removes it.
    Remove,
    /// Takes the edit of that event back.
    Undo(u64),
}

/// What an edit asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Of a member.
    Member(MemberEdit),
    /// Of a balancer.
    Balancer(BalancerEdit),
}

pub(super) async fn run(
    verb: Verb,
    arguments: &EditArguments,
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    let edit = flags_of(verb);
    let order = Order { verb, selector: &arguments.selector, wanted: Wanted::Member(edit), keys: &[] };
    apply(order, &arguments.options, session).await
}

/// The flags that a verb sets and clears.
pub(super) fn flags_of(verb: Verb) -> MemberEdit {
    let flags: &[(Flag, bool)] = match verb {
        Verb::Enable => &[(Flag::Drain, false), (Flag::Disabled, false), (Flag::Stopped, false)],
        Verb::Disable => &[(Flag::Disabled, true)],
        Verb::Stop => &[(Flag::Stopped, true)],
        Verb::Standby => &[(Flag::Standby, true)],
        Verb::Drain => &[(Flag::Drain, true)],
        Verb::Undrain => &[(Flag::Drain, false)],
        Verb::Set | Verb::Add | Verb::Remove | Verb::Undo(_) => &[],
    };
    flags.iter().fold(MemberEdit::default(), |edit, (flag, on)| edit.with_flag(*flag, *on))
}

/// One edit as it was typed.
#[derive(Debug)]
pub(super) struct Order<'a> {
    pub(super) verb: Verb,
    pub(super) selector: &'a str,
    pub(super) wanted: Wanted,
    /// The settings that were typed; none for the verbs that are about a member by their name.
    pub(super) keys: &'a [&'a str],
}

/// Carries out `order` and writes the result.
pub(super) async fn apply(
    order: Order<'_>,
    options: &EditOptions,
    session: &mut Session<'_>,
) -> Result<Exit, Stop> {
    let reason = options.reason()?;
    let client = session.client().await?;
    let snapshot = client.snapshot().await?;
    let (revision, force) = (options.if_revision, options.force.then_some(true));
    let wanted = match order.wanted {
        Wanted::Member(edit) => Wanted::Member(MemberEdit { reason, revision, force, ..edit }),
        Wanted::Balancer(edit) => Wanted::Balancer(BalancerEdit { reason, revision, force, ..edit }),
    };
    let order = Order { wanted, ..order };
    let absent = |stop: &Stop| matches!(stop, Stop::Missing(_)) && options.ignore_missing;
    if options.dry_run {
        return match look(&client, &snapshot, &order).await {
            Err(stop) if absent(&stop) => missing(&stop, options, session),
            other => preview::show(&other?, &snapshot, options, session),
        };
    }
    let mut edited = match send(&client, &snapshot, &order).await {
        Err(stop) if absent(&stop) => return missing(&stop, options, session),
        other => other?,
    };
    if let Wanted::Member(edit) = &order.wanted {
        edited.notes.extend(in_error(&snapshot, edit, &edited));
    }
    let states = States::wanted(options, &client, (&snapshot, &edited)).await;
    report_with(order.verb, (&edited, states), options, session)
}

async fn look(client: &Client, snapshot: &Snapshot, order: &Order<'_>) -> Result<Preview, Stop> {
    Ok(match &order.wanted {
        Wanted::Member(edit) => {
            let (balancer, member) = target::member_with(snapshot, order.selector, order.keys)?;
            client.preview_member(&balancer.name, &member.name, edit).await?
        }
        Wanted::Balancer(edit) => {
            let balancer = target::balancer_with(snapshot, order.selector, order.keys)?;
            client.preview_balancer(&balancer.name, edit).await?
        }
    })
}

async fn send(client: &Client, snapshot: &Snapshot, order: &Order<'_>) -> Result<Edited, Stop> {
    Ok(match &order.wanted {
        Wanted::Member(edit) => {
            let (balancer, member) = target::member_with(snapshot, order.selector, order.keys)?;
            client.edit_member(&balancer.name, &member.name, edit).await?
        }
        Wanted::Balancer(edit) => {
            let balancer = target::balancer_with(snapshot, order.selector, order.keys)?;
            client.edit_balancer(&balancer.name, edit).await?
        }
    })
}

/// What a member in error waits for, if the edit leaves it in use: no edit lifts an error at once.
pub(super) fn in_error(snapshot: &Snapshot, edit: &MemberEdit, edited: &Edited) -> Option<String> {
    let member = snapshot.member(&edited.balancer, edited.member.as_ref()?)?;
    let error = member.error.as_ref().filter(|_| member.status.has(Flag::Error))?;
    let after = MemberEdit::FLAGS
        .into_iter()
        .fold(member.status, |status, (flag, _)| edit.flag(flag).map_or(status, |on| status.with(flag, on)));
    if after.has_any(&[Flag::Disabled, Flag::Stopped]) {
        return None;
    }
    // Who ignores errors does not wait for the retry time.
    let due =
        ErrorNote { retry_at: error.retry_at.filter(|_| !after.has(Flag::IgnoreErrors)), ..error.clone() };
    let next = next_try(&due, snapshot.taken);
    Some(format!("it is in error ({}) and serves nobody yet; it is {next}", error.reason))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    const MEMBER: &str = "/v1/balancers/app/members/http:%2F%2F127.0.0.1:9001";

    fn proxy(answer: Edited) -> Scripted {
        Scripted::start(move |request| match request.method.as_str() {
            "PATCH" => Act::json(&answer),
            "POST" => Act::json(&scripted::drain_answer(answer.clone())),
            _ => Act::json(&scripted::snapshot(0)),
        })
    }

    /// What the proxy was sent: target and body.
    fn sent(proxy: &Scripted) -> (String, Value) {
        let request = proxy.requests().into_iter().find(|request| request.method != "GET").unwrap();
        (request.target, serde_json::from_str(&request.body).unwrap())
    }

    #[tokio::test]
    async fn each_verb_sends_its_flags() {
        for (line, body) in [
            ("enable a", json!({"drain": false, "disabled": false, "stopped": false})),
            ("undrain a", json!({"drain": false})),
            ("disable 127.0.0.1:9001", json!({"disabled": true})),
            ("stop http://127.0.0.1:9001", json!({"stopped": true})),
            ("standby app/a --if-revision 7", json!({"standby": true, "revision": 7})),
            ("disable --reason deploy a", json!({"disabled": true, "reason": "deploy"})),
        ] {
            let proxy = proxy(scripted::edited());
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run(line).await, Exit::Done, "{line}: {}", scene.err());
            assert_eq!(sent(&proxy), (MEMBER.to_owned(), body), "{line}");
        }
    }

    #[tokio::test]
    async fn the_result_tells_what_the_proxy_confirmed() {
        let unchanged = Edited { changed: false, changes: Vec::new(), durable: true, ..scripted::edited() };
        let cleared = Edited {
            changes: serde_json::from_value(json!([
                {"field": "drain", "before": "On", "after": "Off"},
                {"field": "stopped", "before": "On", "after": "Off"},
            ]))
            .unwrap(),
            notes: vec!["the load was reset".to_owned()],
            ..scripted::edited()
        };
        let name = "app/http://127.0.0.1:9001";
        for (line, answer, out, err) in [
            ("drain a", scripted::edited(), format!("{name}: drain Off -> On (revision 3)\n"), ""),
            ("drain a", unchanged.clone(), format!("{name}: unchanged, it is so already (revision 3)\n"), ""),
            ("drain a -q", cleared.clone(), String::new(), ""),
            (
                "enable a",
                unchanged,
                format!("{name}: nothing to clear, it is not draining, disabled or stopped (revision 3)\n"),
                "",
            ),
            (
                "enable a",
                cleared,
                format!("{name}: cleared drain, stopped (revision 3)\n"),
                "note: the load was reset\n",
            ),
        ] {
            let proxy = proxy(answer);
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run(line).await, Exit::Done);
            assert_eq!((scene.out(), scene.err()), (out, err.to_owned()), "{line}");
        }
    }

    #[tokio::test]
    async fn a_member_in_error_that_stays_in_use_is_told_with_its_next_try() {
        let member = Some("http://127.0.0.1:9002".parse().unwrap());
        let proxy = proxy(Edited { member, ..scripted::edited() });
        let mut scene = Scene::of(&proxy);
        let waits = "note: it is in error (connection refused) and serves nobody yet; it is tried again";
        for (line, says) in [
            ("enable b", Some("in 43 s")),
            ("drain b", Some("in 43 s")),
            ("standby b", Some("in 43 s")),
            ("set b lbset=1", Some("in 43 s")),
            ("set b ignore_errors=on", Some("with the next request")),
            ("disable b", None),
            ("stop b", None),
        ] {
            scene.run(line).await;
            match says {
                Some(says) => {
                    assert!(scene.err().contains(&format!("{waits} {says}")), "{line}: {}", scene.err());
                }
                None => assert_eq!(scene.err(), "", "{line}"),
            }
        }
    }

    #[tokio::test]
    async fn a_balancer_is_no_member() {
        let proxy = proxy(scripted::edited());
        let mut scene = Scene::of(&proxy);
        for line in ["drain app", "enable balancer://app", "stop app/ --ignore-missing"] {
            assert_eq!(scene.run(line).await, Exit::Usage, "{line}");
            assert!(scene.err().contains("app is a balancer: name one, such as app/a"), "{}", scene.err());
        }
        assert_eq!((proxy.asked("PATCH"), proxy.asked("POST")), (0, 0));
    }

    #[tokio::test]
    async fn json_is_stable() {
        let proxy = proxy(scripted::edited());
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("disable a --json").await, Exit::Done);
        let report: Value = serde_json::from_str(&scene.out()).unwrap();
        assert_eq!(
            report,
            json!({
                "version": 1, "balancer": "app", "member": "http://127.0.0.1:9001", "applied": true, "changed": true,
                "before": "Init Ok", "after": "Init Ok",
                "changes": [{"field": "drain", "before": "Off", "after": "On"}],
                "revision": 3, "durable": true, "notes": [],
            })
        );
    }

    #[tokio::test]
    async fn what_a_member_is_after_the_edit_is_looked_up_and_may_be_unknown() {
        let after = |change: fn(&mut Snapshot)| {
            let mut snapshot = scripted::snapshot(0);
            change(&mut snapshot);
            Act::json(&snapshot)
        };
        for (what, act, after) in [
            (
                "drains now",
                after(|it| "Init Drn Ok".clone_into(&mut it.balancers[0].members[0].words)),
                json!("Init Drn Ok"),
            ),
            ("is gone", after(|it| drop(it.balancers[0].members.remove(0))), Value::Null),
            ("does not tell", Act::raw(&[]), Value::Null),
        ] {
            let edited = std::sync::atomic::AtomicBool::new(false);
            let proxy = Scripted::start(move |request| match request.method.as_str() {
                "PATCH" => {
                    edited.store(true, std::sync::atomic::Ordering::Relaxed);
                    Act::json(&scripted::edited())
                }
                _ if edited.load(std::sync::atomic::Ordering::Relaxed) => act.clone(),
                _ => Act::json(&scripted::snapshot(0)),
            });
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run("disable a --json").await, Exit::Done, "{what}: it is made all the same");
            let report: Value = serde_json::from_str(&scene.out()).unwrap();
            assert_eq!((&report["before"], &report["after"]), (&json!("Init Ok"), &after), "{what}");
            assert_eq!(report["changed"], json!(true), "{what}");
        }
    }

    #[tokio::test]
    async fn a_change_that_will_be_lost_has_its_own_code() {
        let lost = Edited { durable: false, ..scripted::edited() };
        let unchanged = Edited { changed: false, changes: Vec::new(), ..lost.clone() };
        for (line, answer, exit) in [
            ("drain a", &lost, Exit::NotDurable),
            ("drain a -q", &lost, Exit::NotDurable),
            ("drain a", &unchanged, Exit::Done),
        ] {
            let proxy = proxy(answer.clone());
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run(line).await, exit, "{line}");
            assert_eq!(
                scene.err().contains("lost when the proxy restarts"),
                answer.changed && !line.contains("-q")
            );
            scene.out_fails(std::io::ErrorKind::BrokenPipe);
            assert_eq!(scene.run(line).await, exit, "{line}, nobody reads");
            scene.out_fails(std::io::ErrorKind::StorageFull);
            scene.run(line).await;
            assert_eq!(scene.err().contains("the change was made"), answer.changed && !line.contains("-q"));
        }
    }

    #[tokio::test]
    async fn a_missing_member_is_an_error_unless_it_may_be_missing() {
        let proxy = proxy(scripted::edited());
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("drain app/x").await, Exit::NotFound);
        assert_eq!(scene.run("drain app/x --ignore-missing").await, Exit::Done);
        assert!(scene.err().starts_with("note: nothing to do"), "{}", scene.err());
        assert_eq!(scene.out(), "");
        assert_eq!(scene.run("drain app/x --ignore-missing --json").await, Exit::Done);
        let report: Value = serde_json::from_str(&scene.out()).unwrap();
        assert_eq!(
            (&report["version"], &report["changed"], &report["member"]),
            (&json!(1), &json!(false), &Value::Null)
        );
        assert_eq!(scene.run("drain 127.0.0.1 --ignore-missing").await, Exit::NotFound, "several fit");
        assert_eq!((proxy.asked("PATCH"), proxy.asked("POST")), (0, 0));
    }

    #[tokio::test]
    async fn refusals_and_failures_have_their_codes_and_leave_standard_output_empty() {
        for (what, act, exit) in [
            (
                "stale",
                Act::refuse(412, r#"{"code":"stale","message":"anna changed it 12 s ago"}"#),
                Exit::Stale,
            ),
            (
                "invalid",
                Act::refuse(422, r#"{"code":"invalid","field":"drain","message":"drain: no"}"#),
                Exit::Invalid,
            ),
            ("gone", Act::refuse(404, r#"{"code":"not_found","message":"gone"}"#), Exit::NotFound),
            ("ending", Act::refuse(503, r#"{"code":"unavailable","message":"ending"}"#), Exit::Unreachable),
            ("role", Act::refuse(403, r#"{"code":"role","message":"look only"}"#), Exit::Permission),
            ("lost", Act::raw(&[]), Exit::Failed),
            ("late", Act::Hang, Exit::Failed),
        ] {
            let proxy = Scripted::start(move |request| match request.method.as_str() {
                "PATCH" | "POST" => act.clone(),
                _ => Act::json(&scripted::snapshot(0)),
            });
            let mut scene = Scene::of(&proxy);
            assert_eq!(scene.run("drain a --json").await, exit, "{what}");
            assert_eq!(scene.out(), "", "{what}");
            assert!(scene.err().starts_with("evenkeel: "), "{what}: {}", scene.err());
            let unknown = scene.err().contains("look before you repeat it");
            assert_eq!(unknown, ["lost", "late"].contains(&what), "{what}: {}", scene.err());
        }
    }

    #[tokio::test]
    async fn a_bad_command_line_asks_nothing() {
        let proxy = proxy(scripted::edited());
        let mut scene = Scene::of(&proxy);
        let long = "x".repeat(201);
        for (words, exit) in [
            (vec!["drain"], Exit::Usage),
            (vec!["drain", "a", "b"], Exit::Usage),
            (vec!["drian", "a"], Exit::Usage),
            (vec!["drain", "a", "--if-revision", "x"], Exit::Usage),
            (vec!["drain", "a", "-q", "--json"], Exit::Usage),
            (vec!["drain", "a", "--reason", &long], Exit::Invalid),
            (vec!["drain", "a", "--reason", "a\u{1b}[2J"], Exit::Invalid),
        ] {
            assert_eq!(scene.run_words(&words).await, exit, "{words:?}");
            assert!(!scene.err().is_empty() && !scene.err().contains("\u{1b}["), "{words:?}");
        }
        scene.run("drain a --if-revision x").await;
        assert!(scene.err().contains("must be a revision: a whole number"), "{}", scene.err());
        assert_eq!(scene.run_words(&["drain", ""]).await, Exit::Usage);
        assert_eq!((proxy.asked("PATCH"), proxy.asked("POST")), (0, 0));
    }

    #[tokio::test]
    async fn without_a_proxy_the_remedy_is_told() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut scene = Scene::in_folders(&[folder.path().to_owned()]);
        assert_eq!(scene.run("drain a").await, Exit::Unreachable);
        assert!(scene.err().contains("evenkeel-proxy -f FILE"), "{}", scene.err());
        assert_eq!(scene.run("drain a --socket /nonexistent").await, Exit::Unreachable);
        assert!(scene.err().contains("/nonexistent does not exist"), "{}", scene.err());
        let proxies = [proxy(scripted::edited()), proxy(scripted::edited())];
        let mut scene = Scene::in_folders(&proxies.each_ref().map(Scripted::folder));
        assert_eq!(scene.run("drain a").await, Exit::Unreachable);
        assert!(scene.err().contains("choose one with --socket"), "{}", scene.err());
        let socket = proxies[1].socket();
        assert_eq!(scene.run(&format!("--socket {} drain a", socket.display())).await, Exit::Done);
        assert_eq!((proxies[0].asked("POST"), proxies[1].asked("POST")), (0, 1));
    }
}
