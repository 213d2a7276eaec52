//! `evenkeel explain`: where a request would go and why, as a person wants to read it.

use std::collections::BTreeSet;

use clap::Args;
use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{
    BalancerSnapshot, Candidacy, CandidateNote, Explanation, MemberName, Question, Reading, Snapshot,
};
use serde_json::json;

use super::output::Stop;
use super::table::{Column, Columns, Keep, Layout, NOTHING};
use super::{Exit, Session, complete};
use crate::pasted::{self, Pasted};

pub(super) const HELP: &str = "\
Nothing is sent to a member, and no counter moves: the proxy holds the election on a copy.

Examples:
  evenkeel explain /app/
  evenkeel explain --cookie 'JSESSIONID=x.node1' /app/
  evenkeel explain 'https://www.example.com/app;jsessionid=x.node2?step=2'
  evenkeel explain --balancer app --next 20 /";

/// What can be typed behind `explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// A path with its query, or a whole URL
    #[arg(value_name = "PATH | URL", value_parser = url)]
    url: String,
    /// What the client's Cookie line says, or as pasted: the value alone, a Cookie or Set-Cookie line, a curl command (PATH
    /// goes before its URL); several times for several lines
    #[arg(long = "cookie", value_name = "NAME=VALUE")]
    cookies: Vec<String>,
    /// Ask this balancer, whatever the path is mapped to
    #[arg(long, value_name = "BALANCER", value_parser = balancer, add = complete::balancers())]
    balancer: Option<evenkeel_protocol::BalancerName>,
    /// Foretell so many elections, if nothing else happened
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=i64::from(Question::MOST_NEXT)))]
    next: Option<u8>,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl ExplainArguments {
    /// What is asked. `snapshot` names the cookies of which the value alone was written.
    ///
    /// # Errors
    ///
    /// What was written for a cookie is none.
    pub(super) fn question(&self, snapshot: Option<&Snapshot>) -> Result<Question, Stop> {
        let Self { url, balancer, next, .. } = self;
        let meant = |it: &&BalancerSnapshot| balancer.as_ref().is_none_or(|balancer| it.name == *balancer);
        let balancers = snapshot.iter().flat_map(|snapshot| &snapshot.balancers).filter(meant);
        let sticky = balancers.filter_map(|it| it.settings.stickysession.as_ref());
        let names: BTreeSet<&str> = sticky.map(|sticky| sticky.cookie.as_str()).collect();
        let line = |pasted: Pasted| pasted.named(names.iter().copied()).join("; ");
        let cookies = self.pasted()?.into_iter().map(line).collect();
        Ok(Question { url: url.clone(), cookies, balancer: balancer.clone(), next: *next })
    }

    fn pasted(&self) -> Result<Vec<Pasted>, Stop> {
        let read = |text: &String| {
            let pasted = pasted::read(text)?;
            pasted.whole_line().map(|_| pasted)
        };
        let read: Result<Vec<Pasted>, String> = self.cookies.iter().map(read).collect();
        read.map_err(|why| Stop::usage(format!("--cookie: {why}")))
    }
}

fn url(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("is empty; write / for the root") } else { Ok(text.to_owned()) }
}

pub(super) fn balancer(text: &str) -> Result<evenkeel_protocol::BalancerName, String> {
    text.parse().map_err(|why| format!("'{}' {why}", clean(text, 80)))
}

pub(super) async fn run(arguments: &ExplainArguments, session: &mut Session<'_>) -> Result<Exit, Stop> {
    let client = session.client().await?;
    let lacks_name = arguments.pasted()?.iter().any(|pasted| pasted.value.is_some());
    let snapshot = if lacks_name { Some(client.snapshot().await?) } else { None };
    let explanation = client.explain(&arguments.question(snapshot.as_ref())?).await?;
    if arguments.json {
        session.output.json(&json!({"version": 1, "explanation": explanation}))?;
    } else {
        let columns = if session.output.is_terminal() { Columns::Fitting } else { Columns::All };
        session.output.result(&told(&arguments.url, &explanation, columns).join("\n"))?;
    }
    Ok(Exit::Done)
}

fn told(url: &str, explanation: &Explanation, columns: Columns) -> Vec<String> {
    let mut lines = vec![format!("{} {}", clean(url, 200), explanation.verdict)];
    if let Some(mapping) = &explanation.mapping {
        lines.push(String::new());
        lines.push(format!("Mapping   {}", mapping.why));
        if let (Some(balancer), Some(becomes)) = (&mapping.balancer, &mapping.becomes) {
            lines.push(format!("          {} asks for {becomes}", balancer.url()));
        }
    }
    if let Some(who) = &explanation.access {
        lines.push(format!("Access    {who}"));
    }
    if let Some(candidacy) = &explanation.balancer {
        lines.extend(election(candidacy, columns));
    }
    lines
}

fn election(candidacy: &Candidacy, columns: Columns) -> Vec<String> {
    let session = &candidacy.session;
    let mut lines = vec![String::new()];
    for (at, look) in session.looked.iter().enumerate() {
        let how = match look.reading {
            Reading::Literal => "",
            Reading::Tolerant => ", read again less literally",
        };
        let title = if at == 0 { "Session" } else { "" };
        lines.push(format!("{title:<9} {} in the {}{how}: {}", look.name, look.place.name(), look.saw));
    }
    if session.looked.is_empty() {
        lines.push(format!("Session   {} keeps none: it has no stickysession", candidacy.name.url()));
    } else if session.found.is_some() {
        let id = if session.id.is_empty() { "no id" } else { &session.id };
        lines.push(format!(
            "          id {id}, route {}",
            if session.route.is_empty() { NOTHING } else { &session.route }
        ));
    }
    for (at, step) in candidacy.search.iter().enumerate() {
        let title = if at == 0 { "Route" } else { "" };
        let member = step
            .member
            .as_ref()
            .map_or_else(|| step.route.clone(), |it| format!("{} is of {it}", step.route));
        lines.push(format!("{title:<9} {member}: {}", step.saw));
    }
    lines.push(String::new());
    let rows: Vec<Vec<String>> =
        candidacy.candidates.iter().map(|candidate| cells(candidate, candidacy.elected.as_ref())).collect();
    let layout = Layout::of(COLUMNS, &rows, columns);
    lines.push(layout.head());
    lines.extend(rows.iter().map(|row| layout.row(row)));
    lines.push(String::new());
    let mut next: Vec<String> = Vec::new();
    for member in &candidacy.next {
        next.push(
            candidacy
                .candidates
                .iter()
                .find(|it| it.member == *member)
                .map_or_else(|| member.to_string(), short),
        );
    }
    if !next.is_empty() {
        lines.push(format!("Next      {}", next.join(", ")));
    }
    lines.extend(candidacy.notes.iter().map(|note| format!("Note      {note}")));
    lines
}

/// A member in as few characters as tell who it is.
fn short(candidate: &CandidateNote) -> String {
    match candidate.route.as_str() {
        "" => candidate.member.authority().to_owned(),
        route => route.to_owned(),
    }
}

const COLUMNS: &[Column] = &[
    Column::text(" ", Keep::Always),
    Column::text("Member", Keep::Always),
    Column::text("Route", Keep::Unless(NOTHING)),
    Column::text("Status", Keep::Always),
    Column::number("Set", Keep::Unless("0")),
    Column::number("Factor", Keep::Unless("1.00")),
    Column::number("Load", Keep::Always),
    Column::number("Busy", Keep::Always),
    Column::text("", Keep::Always),
];

fn cells(candidate: &CandidateNote, elected: Option<&MemberName>) -> Vec<String> {
    let route = candidate.route.as_str();
    let mark = match (elected == Some(&candidate.member), candidate.offered) {
        (true, _) => ">",
        (false, true) => "+",
        (false, false) => NOTHING,
    };
    vec![
        mark.to_owned(),
        candidate.member.authority().to_owned(),
        if route.is_empty() { NOTHING.to_owned() } else { route.to_owned() },
        candidate.words.clone(),
        candidate.lbset.to_string(),
        candidate.lbfactor.to_string(),
        candidate.lbstatus.to_string(),
        candidate.busy.to_string(),
        candidate.why.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::scene::Scene;
    use crate::client::scripted::{self, Act, Scripted};

    const DOCUMENT: &str = include_str!("../../../protocol/documents/explanation.json");

    #[test]
    fn it_reads_from_the_request_to_the_member() {
        let explanation: Explanation = serde_json::from_str(DOCUMENT).unwrap();
        let lines = told("/app/cart?step=2", &explanation, Columns::Fitting);
        assert_eq!(
            lines,
            [
                "/app/cart?step=2 goes to http://backend1.example.com if the access rules let it in: the session's \
                 route node1 is that of http://backend1.example.com",
                "",
                "Mapping   the line ProxyPass /app is the first that fits",
                "          balancer://mycluster asks for /cart?step=2",
                "Access    Require ip 10.0.0.0/8 must grant it; else the proxy answers 403",
                "",
                "Session   jsessionid in the URL: nothing",
                "          JSESSIONID in the cookies: a value of route 'node1'",
                "          id 5f2…, route node1",
                "Route     node1 is of http://backend1.example.com: it is usable; that it drains does not matter to \
                 its own sessions",
                "",
                "  Member               Route Status      Factor Load Busy",
                "> backend1.example.com node1 Init Drn Ok   1.50 -100    2 it drains: only sessions of its route go there",
                "+ backend2.example.com node2 Init Ok       1.00  100    0 it is usable and belongs to set 0, the lowest \
                 that has anybody",
                "",
                "Next      node1, node1, node1",
            ]
        );
    }

    #[test]
    fn cookies_are_read_as_they_were_pasted() {
        let snapshot = scripted::snapshot(0);
        for (cookie, line) in [
            ("abc.a", "SID=abc.a"),
            ("Set-Cookie: SID=abc.a; Path=/", "SID=abc.a"),
            ("curl -b 'x=1; SID=abc.a' http://h/y", "x=1; SID=abc.a"),
        ] {
            #[derive(clap::Parser)]
            struct Line {
                #[command(flatten)]
                explain: ExplainArguments,
            }
            let line_of = |words: [&str; 4]| <Line as clap::Parser>::parse_from(words).explain;
            let arguments = line_of(["explain", "--cookie", cookie, "/app"]);
            let question = arguments.question(Some(&snapshot)).unwrap();
            assert_eq!(
                (question.url.as_str(), question.cookies),
                ("/app", vec![line.to_owned()]),
                "{cookie}"
            );
        }
    }

    #[tokio::test]
    async fn the_question_is_what_was_typed() {
        let proxy = Scripted::start(|request| {
            assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/explain"));
            let question: Question = serde_json::from_str(&request.body).unwrap();
            if question.balancer.is_some() {
                return Act::refuse(404, r#"{"code":"not_found","message":"no balancer a/b"}"#);
            }
            assert_eq!(question.cookies, ["SID=x.a; B=1", "C=2"]);
            assert_eq!((question.url.as_str(), question.next), ("/app/", Some(3)));
            Act::raw(&[
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{DOCUMENT}", DOCUMENT.len()).as_bytes()
            ])
        });
        let mut scene = Scene::of(&proxy);
        let words = ["explain", "--cookie", "SID=x.a; B=1", "--cookie", "C=2", "--next", "3", "/app/"];
        assert_eq!(scene.run_words(&words).await, Exit::Done);
        assert!(scene.out().contains("Next"), "{}", scene.out());
        assert_eq!(scene.run_words(&[&words[..], &["--json"]].concat()).await, Exit::Done);
        let value: serde_json::Value = serde_json::from_str(&scene.out()).unwrap();
        assert_eq!(value["explanation"]["balancer"]["why"], "sticky");
        for (bad, exit) in [
            ("explain", Exit::Usage),
            ("explain ", Exit::Usage),
            ("explain / --next 0", Exit::Usage),
            ("explain / --next 101", Exit::Usage),
            ("explain / --cookie Host:", Exit::Usage),
            ("explain / --balancer a/b/", Exit::NotFound),
        ] {
            assert_eq!(scene.run(bad).await, exit, "{bad}");
        }
    }
}
