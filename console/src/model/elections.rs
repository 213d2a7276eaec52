//! Which elections are shown, and why each went as it did, in plain words.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::selector::Candidate;
use evenkeel_protocol::{
    BalancerName, Code, ElectionFilter, ElectionNote, ElectionWhy, Elections, MemberName, Selector, Snapshot,
};

use crate::model::target::{label, short};
use crate::pasted;

/// How many are shown at most.
const MOST: u32 = 200;

/// Whose elections are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Whose {
    /// All.
    #[default]
    All,
    /// Those of a balancer.
    Balancer(BalancerName),
    /// Those of a member.
    Member(String),
    /// Those of a route.
    Route(String),
    /// Those of the session in a cookie, in the value of one, or in a URL.
    Session(String),
}

/// The screen of elections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watching {
    whose: Whose,
    /// The same as it was written.
    subject: String,
    /// Only those after a failed try?
    pub failovers: bool,
    /// Only those that took a session to another route?
    pub route_changes: bool,
    /// How many of the newest are scrolled out above.
    pub from: usize,
}

impl Watching {
    /// Looks at those that `text` means: a balancer, a member, `route=NAME`, or the session in what was pasted.
    ///
    /// Errors: why it means none; all is as before.
    pub fn look_at(&mut self, text: &str, snapshot: Option<&Snapshot>) -> Result<(), String> {
        let text = text.trim();
        self.whose = whose(text, snapshot)?;
        text.clone_into(&mut self.subject);
        self.from = 0;
        Ok(())
    }

    /// Whose they are.
    pub fn whose(&self) -> &Whose {
        &self.whose
    }

    /// What was written.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What is asked of the proxy.
    pub fn filter(&self) -> ElectionFilter {
        let some = |wanted: &str| Some(wanted.to_owned());
        let all = ElectionFilter {
            failovers: self.failovers,
            route_changes: self.route_changes,
            most: Some(MOST),
            ..ElectionFilter::default()
        };
        match &self.whose {
            Whose::All => all,
            Whose::Balancer(name) => ElectionFilter { balancer: Some(name.clone()), ..all },
            Whose::Member(member) => ElectionFilter { member: some(member), ..all },
            Whose::Route(route) => ElectionFilter { route: some(route), ..all },
            Whose::Session(cookie) => ElectionFilter { cookie: some(cookie), ..all },
        }
    }

    /// Is anything left out?
    pub fn hides(&self) -> bool {
        self.failovers || self.route_changes || self.whose != Whose::All
    }

    /// Keeps the same lines before the eyes when newer ones have come above them.
    pub fn follow(&mut self, before: Option<&Elections>, now: &Elections) {
        if self.from == 0 {
            return;
        }
        let newest = before.and_then(|before| before.elections.last()).map_or(0, |note| note.number);
        let newer = now.elections.iter().filter(|note| note.number > newest).count();
        self.from = self.from.saturating_add(newer).min(now.elections.len().saturating_sub(1));
    }
}

/// Whose elections a text means. A balancer or a member of now goes before a session, for its name can look like the value
/// of a cookie.
fn whose(text: &str, snapshot: Option<&Snapshot>) -> Result<Whose, String> {
    if text.is_empty() {
        return Ok(Whose::All);
    }
    if let Some(route) = text.strip_prefix("route=") {
        let missing = || "write the route behind route=".to_owned();
        return Some(route)
            .filter(|it| !it.is_empty())
            .map(|it| Whose::Route(it.to_owned()))
            .ok_or_else(missing);
    }
    let balancers = snapshot.map(|snapshot| snapshot.balancers.as_slice()).unwrap_or_default();
    let named = ["balancer://", "balancer:"].into_iter().find_map(|prefix| text.strip_prefix(prefix));
    let name = named.unwrap_or(text).trim_end_matches('/');
    if let Some(found) = balancers.iter().find(|it| it.name.as_str() == name) {
        return Ok(Whose::Balancer(found.name.clone()));
    }
    if let Some(name) = named.filter(|name| !name.contains('/')) {
        return Err(format!("there is no balancer {}", clean(name, 80)));
    }
    let members = balancers.iter().flat_map(|balancer| {
        let of = &balancer.name;
        balancer.members.iter().map(|it| Candidate { balancer: of, member: &it.name, route: &it.route })
    });
    let found = Selector::parse(text).and_then(|selector| selector.resolve(members));
    if found.map_or_else(|refusal| refusal.code == Code::Ambiguous, |_| true) {
        return Ok(Whose::Member(text.to_owned()));
    }
    let is_session = |c: char| c.is_whitespace() || ";?=".contains(c);
    // With a port, or below a balancer, it is the name of a member: perhaps of one that is gone.
    if text.contains([':', '/']) && !text.starts_with('/') && !text.contains(is_session) {
        return Ok(Whose::Member(text.to_owned()));
    }
    let pasted = pasted::read(text)?;
    match (pasted.session(), &pasted.value) {
        (Some(_), Some(value)) if !value.contains('.') => Ok(Whose::Member(text.to_owned())),
        (Some(session), _) if session.starts_with('/') && !session.contains([';', '?']) => {
            Err("a path has no elections of its own; write it with its session, or the session as NAME=VALUE"
                .to_owned())
        }
        (Some(session), _) => Ok(Whose::Session(session)),
        (None, _) => Ok(Whose::Member(text.to_owned())),
    }
}

/// What people call a member of that balancer.
pub fn called(snapshot: Option<&Snapshot>, note: &ElectionNote, member: &MemberName) -> String {
    let balancer = snapshot.and_then(|snapshot| snapshot.balancer(&note.balancer));
    let found = balancer.and_then(|balancer| Some((balancer, balancer.member(member)?)));
    found.map_or_else(|| short(member).to_owned(), |(balancer, member)| label(balancer, member))
}

/// Why it went there, and what came of it, in a sentence without its end.
pub fn reason(snapshot: Option<&Snapshot>, note: &ElectionNote) -> String {
    let asked = note.asked.as_deref().filter(|asked| !asked.is_empty());
    let mut text = match (note.why, asked) {
        (ElectionWhy::Sticky, Some(route)) => format!("its session asks for {route}"),
        (ElectionWhy::Sticky, None) => "its session asks for it".to_owned(),
        (ElectionWhy::Method, _) => "its turn".to_owned(),
        (ElectionWhy::Spare, _) => "a spare in the place of one that cannot serve".to_owned(),
        (ElectionWhy::Standby, _) => "a standby, for nobody else of its set can serve".to_owned(),
        (ElectionWhy::Empty, _) => "nobody: the balancer has no members".to_owned(),
        (ElectionWhy::Unusable, _) => "nobody can serve it".to_owned(),
        (ElectionWhy::RouteUnusable, Some(route)) => format!("nobody: {route} cannot serve, and nofailover"),
        (ElectionWhy::RouteUnusable, None) => "nobody: its route cannot serve, and nofailover".to_owned(),
    };
    if note.route_changed {
        text = match asked {
            Some(route) => format!("{text}, not {route} that its session asked for"),
            None => format!("{text}, not its session's route"),
        };
    }
    if let Some(failover) = &note.failover {
        let from = called(snapshot, note, &failover.from);
        text = format!("{text}; try {} after {from}: {}", note.attempt, failover.reason);
    }
    if let Some(failed) = &note.failed {
        text = format!("{text}; FAILED: {failed}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn a_filter_is_read_as_written() {
        let snapshot = sample::snapshot(0);
        let written = |text: &str| {
            let mut watching = Watching::default();
            watching.look_at(text, Some(&snapshot)).map(|()| watching.whose().clone())
        };
        let member = |text: &str| Ok(Whose::Member(text.to_owned()));
        let session = |text: &str| Ok(Whose::Session(text.to_owned()));
        assert_eq!(written(" route=node1 "), Ok(Whose::Route("node1".to_owned())));
        assert_eq!(written(" "), Ok(Whose::All));
        for text in ["app", "balancer:app", "balancer://app", "balancer://app/"] {
            assert_eq!(written(text), Ok(Whose::Balancer("app".parse().unwrap())), "{text}");
        }
        for (text, says) in
            [("route=", "behind route="), ("balancer:nosuch", "no balancer nosuch"), ("/x", "its session")]
        {
            assert!(written(text).is_err_and(|why| why.contains(says)), "{text}: {:?}", written(text));
        }
        let named = [
            "node1",
            "app/node1",
            "static/10.0.2.12",
            "10.0.2.12",
            "two/nosuch",
            "nosuch",
            "http://h:1",
            "h.x:1",
        ];
        for text in named {
            assert_eq!(written(text), member(text), "{text}");
        }
        for text in ["SID=known77.b", "known77.b", "foo=1; SID=known77.b"] {
            assert_eq!(written(text), session(text), "{text}");
        }
        assert_eq!(written("Set-Cookie: SID=known77.b; Path=/"), session("SID=known77.b"));
        assert_eq!(written("curl -b SID=known77.b http://h/"), session("SID=known77.b"));
        for text in ["/x;sid=known77.b", "http://h/x;sid=known77.b"] {
            assert_eq!(written(text), session(text), "{text}");
            assert_eq!(
                written(&format!("curl '{text}'").replace("'/x", "'http://h/x")),
                session("http://h/x;sid=known77.b")
            );
        }
        for text in ["h/a;jsessionid=known77.b", "h/a?jsessionid=known77.b", "h/;jsessionid=known77"] {
            assert_eq!(written(text), session(&format!("http://{text}")), "{text}");
        }
        let mut watching = Watching { from: 4, ..Watching::default() };
        assert!(!watching.hides());
        watching.look_at("SID=x.a", None).unwrap();
        assert!(watching.look_at("Host: x", None).is_err());
        assert!(watching.hides() && watching.from == 0 && watching.subject() == "SID=x.a");
        assert_eq!(watching.filter().cookie.as_deref(), Some("SID=x.a"));
    }

    #[test]
    fn reasons_are_plain_words() {
        let snapshot = sample::snapshot(0);
        let told: Vec<String> =
            sample::elections(0).elections.iter().map(|note| reason(Some(&snapshot), note)).collect();
        assert_eq!(
            told,
            [
                "its session asks for node1",
                "its turn",
                "its session asks for node3; FAILED: connection refused",
                "its turn, not node3 that its session asked for; try 2 after node3: connection refused",
                "nobody can serve it",
            ]
        );
    }

    #[test]
    fn whoever_reads_further_down_keeps_the_same_lines() {
        let before = sample::elections(0);
        let mut now = before.clone();
        let mut newer = now.elections[0].clone();
        newer.number = 99_999;
        now.elections.push(newer);
        let mut watching = Watching { from: 2, ..Watching::default() };
        watching.follow(Some(&before), &now);
        assert_eq!(watching.from, 3);
        watching.from = 0;
        watching.follow(Some(&before), &now);
        assert_eq!(watching.from, 0, "at the top it stays at the top");
    }
}
