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
    let target = target(&question.url);
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let path = if path.is_empty() { "/" } else { path };
    let live = question.balancer.as_ref().map(|name| registry.find(name)).transpose()?;
    let asked = Asked::read(if live.is_some() { "/" } else { target }, &question.cookies, &site.serving);
    let asked = match asked {
        Ok(asked) => asked,
        Err(refused) => return Ok(told(site, Some(unread(site, path, refused)), None, None)),
    };
    let cookies = asked.cookies();
    let cookies: Vec<&str> = cookies.iter().map(AsRef::as_ref).collect();
    let ask = |url| Ask { url, cookies: &cookies, dice: Dice::new().throw(), ..Ask::default() };
    if let Some(live) = live {
        let candidacy = live.explain(&ask(target), next);
        // Which path it is mapped from is not known, and so none of the rules of a <Location>.
        let guard = match site.access.gate("", Some(&live.name)) {
            Gate::Open => None,
            Gate::Guarded(why) | Gate::Closed(_, why) => Some(why),
        };
        return Ok(told(site, None, guard, Some(candidacy)));
    }
    let (mut mapping, live, becomes) = lead(site, path);
    let guard = match gate(site, path) {
        Gate::Open => None,
        Gate::Guarded(who) => Some(who),
        Gate::Closed(status, why) => {
            (mapping.status, mapping.why) = (Some(status), clean(&why, 2 * limits::REASON));
            return Ok(told(site, Some(mapping), None, None));
        }
    };
    let becomes = becomes.map(|becomes| format!("{becomes}{query}"));
    let candidacy = live.zip(becomes.as_deref()).map(|(live, becomes)| live.explain(&ask(becomes), next));
    mapping.becomes = becomes.map(|becomes| clean(&becomes, limits::TEXT));
    Ok(told(site, Some(mapping), guard, candidacy))
}

/// What stands before a path, wherever it leads. As in the path of a request what is refused whatever it is needs no
/// leave.
fn gate(site: &Site, path: &str) -> Gate {
    let balancer = match site.lead(path) {
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
    MappingNote {
        path: clean(path, limits::TEXT),
        line: None,
        balancer: None,
        becomes: None,
        status: Some(status),
        why,
    }
}

/// How many elections are to be foretold, if all is within its bounds.
fn check(question: &Question) -> Result<usize, Refusal> {
    let refuse = |field, why: String| Err(Refusal::field(Code::Invalid, field, format!("{field}: {why}")));
    if question.url.len() > Question::LONGEST_URL {
        return refuse("url", format!("is longer than {} bytes", Question::LONGEST_URL));
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

/// Path and query of a URL, or of a path that is written without scheme and host.
fn target(url: &str) -> &str {
    let url = url.split('#').next().unwrap_or_default();
    let behind = ["http://", "https://"].iter().find_map(|scheme| {
        let start = url.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then(|| url.get(scheme.len()..)).flatten()
    });
    behind.map_or(url, |behind| {
        let end = behind.find(['/', '?']).unwrap_or(behind.len());
        behind.get(end..).unwrap_or_default()
    })
}

/// What the site says of a path; to whom it leads, and the path that a member would get.
fn lead<'a>(site: &'a Site, path: &'a str) -> (MappingNote, Option<&'a Arc<LiveBalancer>>, Option<String>) {
    let line = site.mappings.decisive(path).map(|line| site.mappings.path(line));
    let (mut live, mut becomes) = (None, None);
    let (status, why) = match site.lead(path) {
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
        path: clean(path, limits::TEXT),
        line: line.map(|line| clean(line, limits::TEXT)),
        balancer: live.map(|live| live.name.clone()),
        becomes: None,
        status,
        why: clean(&why, 2 * limits::TEXT),
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
            ("/app?x=1", "/app?x=1"),
            ("http://h/app", "/app"),
            ("HTTPS://h:8443/a;sid=x.b?c#d", "/a;sid=x.b?c"),
            ("http://h", ""),
            ("http://h?x=http://y/", "?x=http://y/"),
            ("app", "app"),
            ("", ""),
            ("http://é/ü", "/ü"),
        ] {
            assert_eq!(target(url), wanted, "{url}");
        }
    }
}
