//! Where a request would go, and why: its path through the mappings of the site, then the election that it would get.
//! Nothing is sent, and nothing is counted.

use std::sync::Arc;

use evenkeel_balancer::Ask;
use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{Candidacy, Code, Explanation, MappingNote, Question, Refusal};

use crate::clock::{self, Dice};
use crate::limits;
use crate::live::LiveBalancer;
use crate::registry::Registry;
use crate::site::{Lead, Site};

/// What would happen to the request that `question` describes.
///
/// # Errors
///
/// It is larger than any request, or there is no such balancer.
pub(crate) fn explain(site: &Site, registry: &Registry, question: &Question) -> Result<Explanation, Refusal> {
    let next = check(question)?;
    let target = target(&question.url);
    let cookies: Vec<&str> = question.cookies.iter().map(String::as_str).collect();
    let ask = |url| Ask { url, cookies: &cookies, dice: Dice::new().throw(), ..Ask::default() };
    if let Some(name) = &question.balancer {
        let candidacy = registry.find(name)?.explain(&ask(target), next);
        return Ok(told(site, None, Some(candidacy)));
    }
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let path = if path.is_empty() { "/" } else { path };
    let (mut mapping, live, becomes) = lead(site, path);
    let becomes = becomes.map(|becomes| format!("{becomes}{query}"));
    let candidacy = live.zip(becomes.as_deref()).map(|(live, becomes)| live.explain(&ask(becomes), next));
    mapping.becomes = becomes.map(|becomes| clean(&becomes, limits::TEXT));
    Ok(told(site, Some(mapping), candidacy))
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

fn told(site: &Site, mapping: Option<MappingNote>, balancer: Option<Candidacy>) -> Explanation {
    let mut balancer = balancer;
    if let Some(candidacy) = &mut balancer
        && !site.header_rules.requests.is_empty()
    {
        let note = "RequestHeader rules are not applied here; one that changes cookies may lead elsewhere.";
        candidacy.notes.push(note.to_owned());
    }
    let verdict = match (&mapping, &balancer) {
        (_, Some(Candidacy { elected: Some(member), because, .. })) => format!("goes to {member}: {because}"),
        (_, Some(Candidacy { because, .. })) => format!("is answered 503 by the proxy: {because}"),
        (Some(MappingNote { status: Some(status), why, .. }), None) => {
            format!("is answered {status} by the proxy: {why}")
        }
        _ => "is answered 500 by the proxy: its balancer is gone".to_owned(),
    };
    Explanation { taken: clock::wall(), mapping, balancer, verdict }
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
