//! Where a request would go, and why: its path through the mappings of the site, then the election that it would get.
//! Nothing is sent, and nothing is counted.

use std::sync::Arc;

use evenkeel_balancer::Ask;
use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{Candidacy, Code, Explanation, MappingNote, Question, Refusal};

use crate::access::told::Gate;
use crate::clock::{self, Dice};
use crate::conversation::Serving;
use crate::http::request::Refused;
use crate::limits;
use crate::live::LiveBalancer;
use crate::mapping;
use crate::registry::Registry;
use crate::site::{Lead, Site};

use asked::Asked;

mod asked;

/// What would happen to the request that `question` describes.
///
/// # Errors
///
/// It is larger than any request, or there is no such balancer.
pub(crate) fn explain(site: &Site, registry: &Registry, question: &Question) -> Result<Explanation, Refusal> {
    let next = check(question)?;
    let (authority, target) = target(&question.url);
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let path = if path.is_empty() { "/" } else { path };
    let live = question.balancer.as_ref().map(|name| registry.find(name)).transpose()?;
    let sent = if live.is_some() { (None, "/") } else { (authority, target) };
    let asked = match Asked::read(sent, &question.cookies, &site.serving) {
        Ok(asked) => asked,
        Err(refused) => return Ok(told(site, Some(unread(site, path, refused)), None, None)),
    };
    let cookies = asked.cookies();
    let cookies: Vec<&str> = cookies.iter().map(AsRef::as_ref).collect();
    let ask = |url| Ask { url, cookies: &cookies, dice: Dice::new().throw(), ..Ask::default() };
    if let Some(live) = live {
        let guard = match site.access.gate_anywhere(&live.name, live.paths()) {
            Gate::Open => None,
            Gate::Guarded(who) => Some(who),
            Gate::Closed(status, why) => {
                let mapping =
                    closed(MappingNote { balancer: Some(live.name.clone()), ..nowhere(path) }, status, &why);
                return Ok(told(site, Some(mapping), None, None));
            }
        };
        let candidacy = live.explain(&ask(target), next);
        return Ok(told(site, None, guard, Some(candidacy)));
    }
    let lead = site.lead(path);
    let gate = gate(site, path, &lead);
    let (mapping, live, becomes) = follow(site, path, lead);
    let guard = match gate {
        Gate::Open => None,
        Gate::Guarded(who) => Some(who),
        Gate::Closed(status, why) => return Ok(told(site, Some(closed(mapping, status, &why)), None, None)),
    };
    let becomes = becomes.map(|becomes| format!("{becomes}{query}"));
    let candidacy = live.zip(becomes.as_deref()).map(|(live, becomes)| live.explain(&ask(becomes), next));
    let becomes = becomes.map(|becomes| clean(&becomes, limits::TEXT));
    Ok(told(site, Some(MappingNote { becomes, ..mapping }), guard, candidacy))
}

/// What stands before a path, wherever it leads. As in the path of a request what is refused whatever it is needs no
/// leave.
fn gate(site: &Site, path: &str, lead: &Lead<'_>) -> Gate {
    let balancer = match lead {
        Lead::Refused(_) | Lead::Fenced(..) => return Gate::Open,
        Lead::Manager if site.access.is_open(path, None) => {
            let who =
                "clients of this machine that call it by its own name may come; the proxy answers others 403";
            return Gate::Guarded(who.to_owned());
        }
        Lead::Heartmonitor | Lead::Nowhere | Lead::Manager => None,
        Lead::To(found) => site.balancers.get(found.balancer).map(|live| &live.name),
    };
    site.access.gate(path, balancer)
}

/// A request that is refused before it is looked where its path leads.
fn unread(site: &Site, path: &str, Refused { status, why }: Refused) -> MappingNote {
    let Serving { lines, fields, .. } = &site.serving;
    let why = match status {
        414 => format!("{why}; LimitRequestLine is {} bytes", lines.first),
        431 => format!("{why}; LimitRequestFieldSize is {} bytes, LimitRequestFields {fields}", lines.line),
        _ => mapping::check_path(path).err().unwrap_or(why).to_owned(),
    };
    MappingNote { status: Some(status), why, ..nowhere(path) }
}

/// Of a path of which nothing else is known.
fn nowhere(path: &str) -> MappingNote {
    let path = clean(path, limits::TEXT);
    MappingNote { path, line: None, balancer: None, becomes: None, status: None, why: String::new() }
}

/// The same where nobody may come.
fn closed(mapping: MappingNote, status: u16, why: &str) -> MappingNote {
    MappingNote { status: Some(status), why: clean(why, 2 * limits::REASON), ..mapping }
}

/// How many elections are to be foretold, if all is within its bounds.
fn check(question: &Question) -> Result<usize, Refusal> {
    let refuse = |field, why: String| Err(Refusal::field(Code::Invalid, field, format!("{field}: {why}")));
    if question.url.len() > Question::LONGEST_URL {
        return refuse("url", format!("is longer than {} bytes", Question::LONGEST_URL));
    }
    if target(&question.url).0.is_some_and(|authority| authority.contains('@')) {
        let why = "names a user, which no client sends in a URL; leave out what stands before the @";
        return refuse("url", why.to_owned());
    }
    if question.cookies.len() > Question::MOST_COOKIES {
        return refuse("cookies", format!("are more than {} lines", Question::MOST_COOKIES));
    }
    if question.cookies.iter().any(|line| asked::value(line).contains(['\r', '\n'])) {
        return refuse("cookies", "one has a line end in it, and is to be given line by line".to_owned());
    }
    let next = question.next.unwrap_or(Question::NEXT);
    if !(1..=Question::MOST_NEXT).contains(&next) {
        return refuse("next", format!("must be a whole number from 1 to {}", Question::MOST_NEXT));
    }
    Ok(usize::from(next))
}

/// Host and port of a URL, if it has any, and its path with the query.
fn target(url: &str) -> (Option<&str>, &str) {
    let url = url.split('#').next().unwrap_or_default();
    let behind = ["http://", "https://"].iter().find_map(|scheme| {
        let start = url.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then(|| url.get(scheme.len()..)).flatten()
    });
    behind.map_or((None, url), |behind| {
        let (authority, target) = behind.split_at(behind.find(['/', '?']).unwrap_or(behind.len()));
        (Some(authority), target)
    })
}

/// What the site says of a path; to whom it leads, and the path that a member would get.
fn follow<'a>(
    site: &'a Site,
    path: &str,
    lead: Lead<'a>,
) -> (MappingNote, Option<&'a Arc<LiveBalancer>>, Option<String>) {
    let line = site.mappings.decisive(path).map(|line| site.mappings.path(line));
    let (mut live, mut becomes) = (None, None);
    let (status, why) = match lead {
        Lead::Refused(why) => (Some(400), format!("{why}, which could mean another path to a member")),
        Lead::Fenced(fence, _) => (Some(503), format!("a fence covers it: {}", fence.why)),
        Lead::Heartmonitor => (Some(200), "the handler heartbeat has this path".to_owned()),
        Lead::Manager => (Some(200), "the manager page has this path".to_owned()),
        Lead::Nowhere => match line {
            Some(line) => (Some(404), format!("the line ProxyPass {line} ! is the first that fits")),
            None => (Some(404), "no ProxyPass line fits".to_owned()),
        },
        Lead::To(found) => {
            live = site.balancers.get(found.balancer);
            becomes = Some(found.path.into_owned());
            (None, format!("the line ProxyPass {} is the first that fits", line.unwrap_or_default()))
        }
    };
    let note = MappingNote {
        line: line.map(|line| clean(line, limits::TEXT)),
        balancer: live.map(|live| live.name.clone()),
        status,
        why: clean(&why, 2 * limits::TEXT),
        ..nowhere(path)
    };
    (note, live, becomes)
}

fn told(
    site: &Site,
    mapping: Option<MappingNote>,
    access: Option<String>,
    balancer: Option<Candidacy>,
) -> Explanation {
    let mut balancer = balancer;
    if let Some(candidacy) = &mut balancer
        && !site.header_rules.requests.is_empty()
    {
        let note = "RequestHeader rules are not applied here; one that changes cookies may lead elsewhere.";
        candidacy.notes.push(note.to_owned());
    }
    let if_let_in = if access.is_some() { " if the access rules let it in" } else { "" };
    let verdict = match (&mapping, &balancer) {
        (_, Some(Candidacy { elected: Some(member), because, .. })) => {
            format!("goes to {member}{if_let_in}: {because}")
        }
        (_, Some(Candidacy { because, .. })) => {
            format!("is answered 503 by the proxy{if_let_in}: {because}")
        }
        (Some(MappingNote { status: Some(status), why, .. }), None) => {
            format!("is answered {status} by the proxy{if_let_in}: {why}")
        }
        _ => "is answered 500 by the proxy: its balancer is gone".to_owned(),
    };
    Explanation { taken: clock::wall(), mapping, access, balancer, verdict }
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn urls_are_cut_to_what_a_request_asks_for() {
        for (url, wanted) in [
            ("/app?x=1", (None, "/app?x=1")),
            ("http://h/app", (Some("h"), "/app")),
            ("HTTPS://h:8443/a;sid=x.b?c#d", (Some("h:8443"), "/a;sid=x.b?c")),
            ("http://h", (Some("h"), "")),
            ("http://h?x=http://y/", (Some("h"), "?x=http://y/")),
            ("app", (None, "app")),
            ("", (None, "")),
            ("http://é/ü", (Some("é"), "/ü")),
        ] {
            assert_eq!(target(url), wanted, "{url}");
        }
    }
}
