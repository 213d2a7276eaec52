//! `evenkeel status`: balancers and members as a table in Apache's words, or as JSON.

pub(super) mod draining;

use clap::Args;
use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{
    BalancerSnapshot, ErrorNote, Flag, MemberSnapshot, Snapshot, Subject, Timestamp, size,
};

use super::output::Stop;
use super::retry::{next_try, span};
use super::table::{Column, Columns, Keep, Layout, NOTHING};
use super::target::{self, Target};
use super::{Exit, Session, complete, untold};
use crate::undurable::{self, NOT_KEPT};
use crate::{called, check, heard};

/// What can be typed behind `status`.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// A balancer, or a member as BALANCER/MEMBER, URL, host:port or route; nothing: everything
    #[arg(value_name = "BALANCER | SELECTOR", add = complete::everything())]
    pub(super) selector: Option<String>,
    /// Print the proxy's snapshot as JSON, with exact numbers
    #[arg(long)]
    pub(super) json: bool,
    /// Print nothing: the exit code tells whether the proxy answers and has what is selected
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
}

pub(super) async fn run(arguments: &StatusArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let mut snapshot = session.client().await?.snapshot().await?;
    if let Some(text) = &arguments.selector {
        narrow(&mut snapshot, text)?;
    }
    if arguments.quiet {
        return Ok(Exit::Done);
    }
    if arguments.json {
        session.output.json(&untold::json(&snapshot)?)?;
    } else {
        warn(&snapshot, session);
        let columns = if session.output.is_terminal() { Columns::Fitting } else { Columns::All };
        session.output.result(&table(&snapshot, columns))?;
    }
    Ok(Exit::Done)
}

/// Says beside the result what should be known about it.
fn warn(snapshot: &Snapshot, session: &mut Session<'_>) {
    if called::is_ours(&snapshot.proxy) {
        session.output.message(&format!("note: {}", called::MORE));
    }
    let named = |subject: &Subject| target::called(snapshot, subject);
    for warning in undurable::sentence(snapshot, named, |_| true).iter().chain(&snapshot.warnings) {
        session.output.message(&format!("warning: {warning}"));
    }
}

/// Leaves of a snapshot what a selector means.
pub(super) fn narrow(snapshot: &mut Snapshot, text: &str) -> Result<(), Stop> {
    snapshot.balancers = match target::any(snapshot, text)? {
        Target::Balancer(balancer) => vec![balancer.clone()],
        Target::Member(balancer, member) => {
            vec![BalancerSnapshot { members: vec![member.clone()], ..balancer.clone() }]
        }
    };
    Ok(())
}

/// The columns, in the order and under the names of httpd's manager page.
const COLUMNS: &[Column] = &[
    Column::text("Member", Keep::Always),
    Column::text("Route", Keep::IfRoom(NOTHING)),
    Column::text("Redir", Keep::Unless(NOTHING)),
    Column::number("Factor", Keep::Always),
    Column::number("Set", Keep::IfRoom("0")),
    Column::text("Status", Keep::Always),
    Column::number("Elected", Keep::Always),
    Column::number("Busy", Keep::Always),
    Column::number("Load", Keep::Always),
    Column::number("To", Keep::Always),
    Column::number("From", Keep::Always),
];

fn cells(member: &MemberSnapshot) -> Vec<String> {
    let told = |text: &str| if text.is_empty() { NOTHING.to_owned() } else { text.to_owned() };
    vec![
        member.name.to_string(),
        told(member.route.as_str()),
        told(member.redirect.as_str()),
        member.lbfactor.to_string(),
        member.lbset.to_string(),
        member.words.clone(),
        member.elected.to_string(),
        member.in_flight().map_or_else(|| "?".to_owned(), |busy| busy.to_string()),
        member.lbstatus.to_string(),
        size::format(member.transferred),
        size::format(member.read),
    ]
}

/// The table of all balancers in `snapshot` with all columns, for a reader that is no terminal. Ends without a line
/// end.
pub fn page(snapshot: &Snapshot) -> String {
    table(snapshot, Columns::All)
}

/// As [`page`], with the columns that say something.
pub(super) fn fitting(snapshot: &Snapshot) -> String {
    table(snapshot, Columns::Fitting)
}

/// Rows of members that stand in line with one another.
pub(super) struct StatusTable(Layout<'static>);

impl StatusTable {
    /// For all members of `snapshot`, with all columns.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self(Layout::of(COLUMNS, &rows(snapshot), Columns::All))
    }

    /// The row of one of them.
    pub(super) fn row(&self, member: &MemberSnapshot) -> String {
        self.0.row(&cells(member))
    }
}

fn rows(snapshot: &Snapshot) -> Vec<Vec<String>> {
    snapshot.balancers.iter().flat_map(|balancer| balancer.members.iter().map(cells)).collect()
}

/// The table of all balancers in `snapshot`; all share one layout. Ends without a line end.
fn table(snapshot: &Snapshot, columns: Columns) -> String {
    if snapshot.balancers.is_empty() {
        return format!("{} has no balancers", called::who(Some(snapshot)));
    }
    let layout = Layout::of(COLUMNS, &rows(snapshot), columns);
    let mut lines = Vec::new();
    for balancer in &snapshot.balancers {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(headline(balancer));
        lines.extend(not_kept(snapshot, balancer, None));
        if balancer.members.is_empty() {
            lines.push("  no members".to_owned());
            continue;
        }
        lines.push(layout.head());
        for member in &balancer.members {
            lines.push(layout.row(&cells(member)));
            lines.extend(not_kept(snapshot, balancer, Some(member)));
            lines.extend(draining::line(snapshot, balancer, member));
            lines.extend(member.error.as_ref().map(|error| explain(member, error, snapshot.taken)));
            if heard::matters(balancer, member) {
                lines.push(announced(member, snapshot.taken));
            }
            let health = check::told(&member.health, &snapshot.proxy, snapshot.taken, span);
            lines.extend(health.map(|health| format!("  health: {health}")));
        }
    }
    lines.join("\n")
}

fn headline(balancer: &BalancerSnapshot) -> String {
    let settings = &balancer.settings;
    let mut parts = vec![balancer.name.url(), format!("lbmethod={}", balancer.lbmethod_name())];
    parts.extend(settings.stickysession.as_ref().map(|sticky| format!("stickysession={sticky}")));
    if settings.nofailover {
        parts.push("nofailover=On".to_owned());
    }
    parts.push(if balancer.paths.is_empty() {
        "no path".to_owned()
    } else {
        clean(&balancer.paths.join(" "), 200)
    });
    parts.join("  ")
}

/// The line below what was edited and would be lost.
fn not_kept(
    snapshot: &Snapshot,
    balancer: &BalancerSnapshot,
    member: Option<&MemberSnapshot>,
) -> Option<String> {
    let is_kept = snapshot.is_durable(&balancer.name, member.map(|member| &member.name));
    (!is_kept).then(|| format!("  last edit: {NOT_KEPT}; the disk refuses it"))
}

/// The line below a member that is or was in error.
fn explain(member: &MemberSnapshot, error: &ErrorNote, now: Timestamp) -> String {
    let ago = span(now.since(error.at));
    let reason = &error.reason;
    if !member.status.has(Flag::Error) {
        return format!("  last error {ago} ago: {reason}");
    }
    format!("  in error for {ago}: {reason}; {}", next_try(error, now))
}

/// The line below a member whose heartbeats matter.
fn announced(member: &MemberSnapshot, now: Timestamp) -> String {
    let Some(note) = &member.heard else { return "  never heard".to_owned() };
    format!("  heard: {}", heard::sentence(note, &span(now.since(note.at))))
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{HeardBy, HeardNote, LbMethod, Status};
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    const APP: &str = "\
balancer://app  lbmethod=byrequests  stickysession=SID  /app
Member                 Route  Redir  Factor  Set  Status   Elected  Busy  Load    To  From
http://127.0.0.1:9001  a      -        1.00    0  Init Ok       10     1   -50  115    99K
";
    const APP_ON_A_TERMINAL: &str = "\
balancer://app  lbmethod=byrequests  stickysession=SID  /app
Member                Route Factor Set Status  Elected Busy Load   To From
http://127.0.0.1:9001 a       1.00   0 Init Ok      10    1  -50 115   99K
";

    #[tokio::test]
    async fn quiet_says_nothing_but_by_its_code() {
        let proxy = Scripted::start(|_| Act::json(&scripted::snapshot(0)));
        let mut scene = Scene::of(&proxy);
        for (line, exit) in [
            ("status -q", Exit::Done),
            ("status --quiet app", Exit::Done),
            ("status -q app/a", Exit::Done),
            ("status -q app/x", Exit::NotFound),
            ("status -q x", Exit::NotFound),
            ("status -q --json", Exit::Usage),
        ] {
            assert_eq!(scene.run(line).await, exit, "{line}");
            assert_eq!(scene.out(), "", "{line}");
            assert_eq!(scene.err().is_empty(), exit == Exit::Done, "{line}: {}", scene.err());
        }
        let hung = Scripted::start(|_| Act::Hang);
        let mut scene = Scene::of(&hung);
        assert_ne!(scene.run("status -q").await, Exit::Done);
        assert_eq!(scene.out(), "");
    }

    #[test]
    fn the_page_of_a_snapshot() {
        let page = table(&scripted::snapshot(0), Columns::Fitting);
        let wanted = "\
balancer://app  lbmethod=byrequests  stickysession=SID  /app
Member                Route Factor Set Status   Elected Busy Load   To From
http://127.0.0.1:9001 a       1.00   0 Init Ok       10    1  -50 115   99K
http://127.0.0.1:9002 b       1.00   0 Init Err      10    1  -50 115   99K
  in error for 17 s: connection refused; tried again in 43 s

balancer://api  lbmethod=byrequests  /api /v2
Member                Route Factor Set Status   Elected Busy Load   To From
http://127.0.0.1:9003 -       1.00   0 Init Ok       10    1  -50 115   99K";
        assert_eq!(page, wanted);
        assert!(page.lines().all(|line| line.width() <= 80));
    }

    #[test]
    fn errors_that_are_over_and_empty_balancers_are_told() {
        let mut snapshot = scripted::snapshot(0);
        snapshot.balancers[0].members[1].error.as_mut().unwrap().retry_at = None;
        assert!(page(&snapshot).contains("connection refused; tried again with the next request"));
        snapshot.balancers[0].members[1].status = Status::INITIALISED;
        assert!(page(&snapshot).contains("  last error 17 s ago: connection refused"));
        snapshot.balancers[0].members.clear();
        snapshot.balancers[0].paths.clear();
        snapshot.balancers[0].settings.nofailover = true;
        let shown = page(&snapshot);
        assert!(shown.starts_with("balancer://app  lbmethod=byrequests  stickysession=SID  nofailover=On  no path\n  no members\n\n"), "{shown}");
        snapshot.balancers.clear();
        assert_eq!(page(&snapshot), "the proxy has no balancers");
    }

    #[tokio::test]
    async fn edits_that_a_restart_would_lose_are_told_in_table_and_json() {
        let proxy = Scripted::start(|_| {
            let mut snapshot = scripted::snapshot(0);
            let (balancer, member) = (&snapshot.balancers[0], &snapshot.balancers[0].members[0]);
            let of = |member| Subject { balancer: balancer.name.clone(), member };
            snapshot.undurable = vec![of(None), of(Some(member.name.clone()))];
            Act::json(&snapshot)
        });
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("status").await, Exit::Done);
        let said = "  last edit: NOT kept over a restart; the disk refuses it";
        let out = scene.out();
        let places: Vec<usize> =
            out.lines().enumerate().filter(|(_, line)| *line == said).map(|(at, _)| at).collect();
        assert_eq!(places, [1, 4], "{out}");
        let wanted = "warning: NOT kept over a restart: edits of app/a, app; the disk refuses them\n";
        assert_eq!(scene.err(), wanted);
        assert_eq!(scene.run("status --json").await, Exit::Done);
        let shown: Snapshot = serde_json::from_str(&scene.out()).unwrap();
        assert_eq!(shown.undurable.len(), 2);
    }

    #[test]
    fn heartbeats_are_told_where_they_matter() {
        let mut snapshot = scripted::snapshot(0);
        assert!(!page(&snapshot).contains("heard"));
        snapshot.balancers[1].settings.lbmethod = LbMethod::Heartbeat;
        assert!(page(&snapshot).ends_with("\n  never heard"), "{}", page(&snapshot));
        snapshot.balancers[1].members[0].heard = Some(HeardNote {
            ready: 5,
            busy: 1,
            at: Timestamp(97_000_000),
            fresh: true,
            slots: 5,
            from: [127, 0, 0, 1].into(),
            by: HeardBy::Datagram,
        });
        let told = "\n  heard: 5 ready, 1 busy, 3 s ago (datagram from 127.0.0.1)";
        assert!(page(&snapshot).ends_with(told), "{}", page(&snapshot));
    }

    #[test]
    fn a_member_that_is_checked_has_a_line_of_its_health() {
        let mut snapshot = scripted::snapshot(0);
        snapshot.balancers[0].members[0].health.method = evenkeel_protocol::CheckMethod::Tcp;
        let page = page(&snapshot);
        let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("  health")).collect();
        assert_eq!(lines, ["  health: no check yet; passes 0 (0), fails 0 (0); TCP every 30 s"]);
    }

    #[tokio::test]
    async fn a_selection_restricts_table_and_json() {
        let proxy = Scripted::start(|_| Act::json(&scripted::snapshot(0)));
        let mut scene = Scene::of(&proxy);
        assert_eq!(scene.run("status app/a").await, Exit::Done);
        assert_eq!(scene.out(), APP);
        scene.on_terminal();
        assert_eq!(scene.run("status app/a").await, Exit::Done);
        assert_eq!(scene.out(), APP_ON_A_TERMINAL);
        assert_eq!(scene.run("status --json api").await, Exit::Done);
        let shown: Snapshot = serde_json::from_str(&scene.out()).unwrap();
        assert_eq!(shown.balancers, [scripted::snapshot(0).balancers[1].clone()]);
        assert_eq!(scene.run("status nobody").await, Exit::NotFound);
        assert_eq!(scene.out(), "");
        let told = scene.err();
        assert!(told.starts_with("evenkeel: no member fits 'nobody'"), "{told}");
        assert!(
            told.contains("the balancers are app, api") && told.contains("http://127.0.0.1:9001"),
            "{told}"
        );
    }

    #[test]
    fn without_a_terminal_the_columns_do_not_depend_on_what_they_hold() {
        let plain = scripted::snapshot(0);
        let mut full = plain.clone();
        let member = &mut full.balancers[0].members[0];
        member.redirect = "b".parse().unwrap();
        member.name = format!("http://{}.example.com:9001", "x".repeat(60)).parse().unwrap();
        let titles = |snapshot: &Snapshot| {
            page(snapshot).lines().nth(1).unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        let all =
            ["Member", "Route", "Redir", "Factor", "Set", "Status", "Elected", "Busy", "Load", "To", "From"];
        assert_eq!(titles(&plain), all);
        assert_eq!(titles(&full), all);
    }

    #[tokio::test]
    async fn what_strangers_wrote_reaches_no_terminal() {
        let proxy = Scripted::start(|_| {
            let mut snapshot = scripted::snapshot(0);
            snapshot.balancers[0].members[1].error.as_mut().unwrap().reason = "\u{1b}]0;x\u{7}\r".to_owned();
            snapshot.balancers[0].members[0].words = "\u{1b}[2JOk".to_owned();
            snapshot.balancers[0].paths = vec!["/\u{9b}31m".to_owned()];
            Act::json(&snapshot)
        });
        let mut scene = Scene::of(&proxy);
        for line in ["status", "status --json"] {
            assert_eq!(scene.run(line).await, Exit::Done);
            let shown = scene.out();
            assert!(shown.chars().all(|c| c == '\n' || evenkeel_protocol::clean::is_clean(c)), "{shown:?}");
        }
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_is_no_failure_and_a_full_disk_is() {
        let proxy = Scripted::start(|_| Act::json(&scripted::snapshot(0)));
        let mut scene = Scene::of(&proxy);
        scene.out_fails(std::io::ErrorKind::BrokenPipe);
        assert_eq!(scene.run("status").await, Exit::Done);
        assert_eq!(scene.err(), "");
        scene.out_fails(std::io::ErrorKind::StorageFull);
        assert_eq!(scene.run("status").await, Exit::Failed);
        assert!(scene.err().contains("cannot be written"));
    }
}
