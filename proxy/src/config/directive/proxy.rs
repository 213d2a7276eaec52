//! Directives about balancers, their members, and which paths go to them.

use evenkeel_protocol::clean::is_clean;
use evenkeel_protocol::{HealthCheck, MemberName, MemberSettings};

use crate::config::Reverse;
use crate::config::directive::server::{seconds, switch, value, via};
use crate::config::directive::{Call, Context, Directive, Effect, SERVER};
use crate::config::lexer::Word;
use crate::config::nearest::did_you_mean;
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::{on_off, shown};
use crate::config::parameter::{self, apply_to_balancer, apply_to_member};
use crate::config::site::{MappingDraft, MemberDraft, Scope, Site};
use crate::config::source::Spot;

const IN_PROXY: &[Context] = &[Context::Server, Context::Proxy];
const IN_LOCATION: &[Context] = &[Context::Server, Context::Location];
/// More arguments than anybody writes.
const MANY: usize = 64;

/// The longest path of a mapping, in bytes.
const LONGEST_PATH: usize = 8192;

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[
    Directive {
        name: "BalancerMember",
        contexts: IN_PROXY,
        usage: "[BALANCER-URL] URL [KEY=VALUE …]",
        arguments: 1..=MANY,
        about: "Adds a member to the balancer of the section, or to the one that is named.",
        effect: Effect::Apply(balancer_member),
    },
    Directive {
        name: "Proxy100Continue",
        contexts: SERVER,
        usage: "On|Off",
        arguments: 1..=1,
        about: "Whether members are told that a client waits for 100 Continue before it sends a body.",
        effect: Effect::Apply(|site, notes, call| {
            site.continue_100 = switch(notes, call).or(site.continue_100);
        }),
    },
    Directive {
        name: "ProxyAddHeaders",
        contexts: SERVER,
        usage: "On|Off",
        arguments: 1..=1,
        about: "Whether members are told X-Forwarded-For, -Host and -Server.",
        effect: Effect::Apply(|site, notes, call| {
            site.add_headers = switch(notes, call).or(site.add_headers);
        }),
    },
    Directive {
        name: "ProxyPass",
        contexts: IN_LOCATION,
        usage: "[PATH] !|BALANCER-URL [KEY=VALUE …]",
        arguments: 1..=MANY,
        about: "Sends a path and what is below it to a balancer, or with ! to nobody; the first line that fits wins. \
                In <Location> the path is left out; the last such section that fits wins over lines outside.",
        effect: Effect::Apply(proxy_pass),
    },
    Directive {
        name: "ProxyPassReverse",
        contexts: IN_LOCATION,
        usage: "[PATH] URL",
        arguments: 1..=3,
        about: "Rewrites Location, Content-Location and URI of answers from the member's URL to the path.",
        effect: Effect::Apply(proxy_pass_reverse),
    },
    Directive {
        name: "ProxyPreserveHost",
        contexts: SERVER,
        usage: "On|Off",
        arguments: 1..=1,
        about: "Whether members see the client's Host instead of their own.",
        effect: Effect::Apply(|site, notes, call| {
            site.preserve_host = switch(notes, call).or(site.preserve_host);
        }),
    },
    Directive {
        name: "ProxyRequests",
        contexts: SERVER,
        usage: "Off",
        arguments: 1..=1,
        about: "Only Off: this is no forward proxy.",
        effect: Effect::Apply(|_, notes, call| {
            if let Some(true) = value(notes, call, |text, _| on_off(text)) {
                let what = "this proxy serves no forward requests";
                notes.error(call.spot, Complaint::new(what, "write ProxyRequests Off, or remove the line"));
            }
        }),
    },
    Directive {
        name: "ProxySet",
        contexts: IN_PROXY,
        usage: "[BALANCER-URL] KEY=VALUE …",
        arguments: 1..=MANY,
        about: "Sets parameters of the balancer of the section, or of the one that is named.",
        effect: Effect::Apply(proxy_set),
    },
    Directive {
        name: "ProxyTimeout",
        contexts: SERVER,
        usage: "SECONDS",
        arguments: 1..=1,
        about: "How long to wait for members that have no timeout of their own.",
        effect: Effect::Apply(|site, notes, call| {
            site.proxy_timeout = seconds(notes, call).or(site.proxy_timeout);
        }),
    },
    Directive {
        name: "ProxyVia",
        contexts: SERVER,
        usage: "Off|On|Full|Block",
        arguments: 1..=1,
        about: "Whether a Via header is added, with the version (Full), or removed (Block).",
        effect: Effect::Apply(|site, notes, call| {
            site.via = value(notes, call, |text, _| via(text)).unwrap_or(site.via);
        }),
    },
];

/// Parts the arguments of a member line into URLs and parameters.
fn part(words: &[Word]) -> (Vec<&Word>, Vec<&Word>) {
    words.iter().partition(|word| parameter::split(word).is_none())
}

fn balancer_member(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let (urls, parameters) = part(call.words);
    let (balancer, url) = match (call.scope, urls.as_slice()) {
        (Scope::Balancer(index), [url]) => (Some(*index), *url),
        (Scope::Server | Scope::Location(_), [balancer, url]) => {
            let name = Site::balancer_name(notes, &balancer.text, balancer.spot);
            (name.map(|name| site.declare(&name, call.spot)), *url)
        }
        (Scope::AllProxied, _) => {
            let what = "<Proxy *> is no balancer";
            return notes
                .error(call.spot, Complaint::new(what, "put the member into a <Proxy balancer://NAME>"));
        }
        (_, []) => {
            return notes.error(
                call.spot,
                Complaint::new("there is no URL", "write BalancerMember http://HOST:PORT"),
            );
        }
        (Scope::Balancer(_), [_, extra, ..]) | (_, [_, _, extra, ..]) => {
            let what = format!("'{}' is neither the member's URL nor KEY=VALUE", shown(&extra.text));
            let remedy = "write one member a line; its balancer is that of the section";
            return notes.error(extra.spot, Complaint::new(what, remedy));
        }
        (_, [url]) => {
            let remedy = format!(
                "write BalancerMember balancer://NAME {}, or put it into a <Proxy balancer://NAME>",
                shown(&url.text)
            );
            return notes.error(call.spot, Complaint::new("this member belongs to no balancer", remedy));
        }
    };
    let Some(name) = member_name(notes, url) else { return };
    let mut settings = MemberSettings::default();
    settings.connection.upgrade = name.default_upgrade();
    let (health, inherited) = (site.health.clone(), site.proxy_timeout);
    let written = parameters.iter().map(|word| word.text.clone()).collect();
    let mut draft = MemberDraft { name, settings, timeout: None, inherited, health, written };
    for word in parameters {
        apply_to_member(&mut draft, word, notes);
    }
    check_health(notes, &draft.settings.health, call.spot);
    let Some(balancer) = balancer.and_then(|index| site.balancers.get_mut(index)) else { return };
    if let Some(earlier) = balancer.shared_with(&draft.name) {
        let what = if earlier == draft.name.url() {
            format!("{earlier} is a member of this balancer already; this line is ignored, as in httpd")
        } else {
            format!("this line is ignored, as in httpd: its URL starts with that of the member {earlier}")
        };
        let remedy = if draft.name.unix_path().is_some() {
            "sockets are not compared: give each a name of its own behind the bar"
        } else {
            "remove it, or put the longer URL first"
        };
        notes.trap(url.spot, Complaint::new(what, remedy));
    } else if let Err(complaint) = balancer.add(draft) {
        notes.error(call.spot, complaint);
    }
}

/// What is written of its health checks and has no effect.
pub(in crate::config) fn check_health(notes: &mut Notes, check: &HealthCheck, spot: Spot) {
    if !check.is_on() && *check != HealthCheck::default() {
        let what = "this member's health is not checked: there is no hcmethod";
        notes.trap(spot, Complaint::new(what, "add for example hcmethod=GET"));
    } else if check.is_on() && !check.asks() && !check.expression.is_empty() {
        let what = "hcexpr has no effect: hcmethod=TCP gets no answer to look at";
        notes.trap(spot, Complaint::new(what, "write hcmethod=GET, or remove hcexpr"));
    }
}

/// The URL of a member; complains about other schemes by name.
pub(in crate::config) fn member_name(notes: &mut Notes, word: &Word) -> Option<MemberName> {
    let is_socket = word.text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("unix:"));
    let behind_socket = word.text.split_once('|').filter(|_| is_socket).map(|(_, url)| url);
    let url = behind_socket.unwrap_or(&word.text);
    let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if ["https", "wss", "ajp", "fcgi", "h2", "h2c", "scgi", "uwsgi", "ftp", "fdpass"]
        .contains(&scheme.as_str())
    {
        let what = format!("{scheme} members are not supported yet");
        notes.error(word.spot, Complaint::new(what, "use a member's http:// or ws:// address"));
        return None;
    }
    let parsed = word.text.parse::<MemberName>();
    parsed
        .map_err(|why| {
            let what = format!("the member's URL '{}' {}", shown(&word.text), why.0);
            let form = if is_socket { "unix:/SOCKET|http://localhost" } else { "http://HOST:PORT" };
            notes.error(word.spot, Complaint::new(what, format!("write {form}")));
        })
        .ok()
}

fn proxy_set(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let (urls, parameters) = part(call.words);
    let balancer = match (call.scope, urls.as_slice()) {
        (Scope::Balancer(index), []) => *index,
        (Scope::Server, [url]) => {
            let Some(name) = Site::balancer_name(notes, &url.text, url.spot) else { return };
            let Some(index) = site.known(&name) else {
                let known = site.balancers.iter().map(|balancer| balancer.name.as_str());
                let remedy =
                    did_you_mean(name.as_str(), known, "define it above, in a <Proxy balancer://NAME>");
                let what = format!("there is no {} yet", name.url());
                return notes.error(url.spot, Complaint::new(what, remedy));
            };
            index
        }
        (Scope::Balancer(_), [url, ..]) | (Scope::Server, [_, url, ..]) => {
            let what = format!("'{}' is not KEY=VALUE", shown(&url.text));
            return notes
                .error(url.spot, Complaint::new(what, "write ProxySet KEY=VALUE, without blanks around ="));
        }
        _ => {
            let remedy = "put it into a <Proxy balancer://NAME>, or write ProxySet balancer://NAME KEY=VALUE";
            return notes.error(call.spot, Complaint::new("this belongs to no balancer", remedy));
        }
    };
    if let Some(balancer) = site.balancers.get_mut(balancer) {
        for word in parameters {
            apply_to_balancer(&mut balancer.settings, word, notes);
        }
    }
}

/// Splits off the path: the first argument, or in `<Location>` that of the section.
fn path_and_rest<'a>(notes: &mut Notes, call: &'a Call<'_>) -> Option<(String, &'a [Word])> {
    if let Scope::Location(path) = call.scope {
        if call.words.get(1).is_some_and(|second| second.text == "!" || second.text.contains("://")) {
            let what = "the path is that of the section";
            notes.error(call.word_spot(0), Complaint::new(what, "leave the path out"));
            return None;
        }
        return Some((path.clone(), call.words));
    }
    let (path, rest) = call.words.split_first()?;
    if rest.is_empty() || path.text.contains("://") || path.text == "!" {
        notes.error(path.spot, Complaint::new("the path is missing", "write the path first, such as /app"));
        return None;
    }
    check_path(notes, path)?;
    Some((path.text.clone(), rest))
}

/// Complains about a path that no request can fit, or that means something else in httpd.
pub(in crate::config) fn check_path(notes: &mut Notes, path: &Word) -> Option<()> {
    let (what, remedy) = if path.text.starts_with('~') {
        ("regular expressions are not supported", "write a path, such as /app")
    } else if !path.text.starts_with('/') {
        ("a path must start with /", "write for example /app")
    } else if path.text.len() > LONGEST_PATH {
        ("this path is longer than that of any request", "shorten it")
    } else if !path.text.chars().all(is_clean) {
        ("this path contains characters that cannot be shown", "write a plain path")
    } else {
        if path.text.contains('%') {
            let what = "this path is compared with the decoded path of requests, as in httpd";
            notes.warn(path.spot, Complaint::new(what, "write the characters themselves instead of %XX"));
        }
        return Some(());
    };
    notes.error(path.spot, Complaint::new(what, remedy));
    None
}

fn proxy_pass(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let Some((path, rest)) = path_and_rest(notes, call) else { return };
    let Some((url, parameters)) = rest.split_first() else { return };
    let target = if url.text == "!" {
        None
    } else {
        let Some(target) = balancer_target(site, notes, (&path, url)) else { return };
        Some(target)
    };
    for word in parameters {
        match (word.text.to_ascii_lowercase().as_str(), &target) {
            // What is behind the prefix is always sent as it came.
            ("nocanon", _) => {}
            ("interpolate" | "noquery", _) => {
                let what = format!("'{}' is not supported", shown(&word.text));
                notes.error(word.spot, Complaint::new(what, "remove it"));
            }
            (lower, _) if lower.starts_with("mapping=") => {
                notes.error(word.spot, Complaint::new("mapping= is not supported", "remove it"));
            }
            (_, None) => {
                let what = format!("'{}' has no meaning behind !", shown(&word.text));
                notes.trap(word.spot, Complaint::new(what, "remove it"));
            }
            (_, Some((index, _))) => {
                if let Some(balancer) = site.balancers.get_mut(*index) {
                    apply_to_balancer(&mut balancer.settings, word, notes);
                }
            }
        }
    }
    if let Some(balancer) = target.as_ref().and_then(|(index, _)| site.balancers.get_mut(*index)) {
        balancer.passed = Some(path.clone());
    }
    let mappings = if matches!(call.scope, Scope::Location(_)) {
        &mut site.location_mappings
    } else {
        &mut site.mappings
    };
    mappings.push(MappingDraft { path, target });
}

/// The balancer of a `ProxyPass`, and the path behind its name.
fn balancer_target(
    site: &mut Site,
    notes: &mut Notes,
    (path, url): (&str, &Word),
) -> Option<(usize, String)> {
    let Some(rest) = after_scheme(&url.text) else {
        let what = "ProxyPass to a single URL is not supported";
        let remedy =
            "put the member into a <Proxy balancer://NAME>, and write ProxyPass PATH balancer://NAME";
        notes.error(url.spot, Complaint::new(what, remedy));
        return None;
    };
    let name = Site::balancer_name(notes, &url.text, url.spot)?;
    let behind = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default();
    if behind.chars().any(|c| !c.is_ascii_graphic() || "?#\"<>\\^`{|}".contains(c)) {
        let what = "the path behind the balancer's name has characters that no path of a URL has";
        notes.error(url.spot, Complaint::new(what, "write a plain path, such as balancer://NAME/app"));
        return None;
    }
    match (path.ends_with('/'), behind) {
        (true, "") => {
            let what =
                "httpd joins the name and the rest of the path here and fails; a slash is put between them";
            notes.trap(url.spot, Complaint::new(what, format!("write {}/", name.url())));
        }
        (false, behind) if behind.ends_with('/') => {
            let what = format!("members get two slashes, as in httpd: {path}/x becomes {behind}/x");
            let remedy =
                format!("end both with a slash or neither, such as {}", url.text.trim_end_matches('/'));
            notes.trap(url.spot, Complaint::new(what, remedy));
        }
        _ => {}
    }
    Some((site.balancer(&name, url.spot), behind.to_owned()))
}

/// What stands behind `balancer://`; none for other URLs.
fn after_scheme(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    scheme.eq_ignore_ascii_case("balancer").then_some(rest)
}

fn proxy_pass_reverse(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let Some((path, rest)) = path_and_rest(notes, call) else { return };
    match rest {
        [url] if url.text.contains("://") => {
            site.reverses.push((Reverse { path, url: url.text.clone() }, url.spot));
        }
        [url] => {
            let what = format!("'{}' is no URL", shown(&url.text));
            notes.error(url.spot, Complaint::new(what, "write balancer://NAME, or http://HOST:PORT"));
        }
        [_, extra, ..] => {
            let what = format!("'{}' is not supported", shown(&extra.text));
            notes.error(extra.spot, Complaint::new(what, "remove it"));
        }
        [] => {}
    }
}
