//! Directives about listening, about connections with clients, and about what outlives the process.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::config::directive::{Call, Directive, Effect, SERVER};
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::{Remarks, Whole, duration, on_off, shown};
use crate::config::site::Site;
use crate::config::{Via, limits};

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[
    Directive {
        name: "BalancerPersist",
        contexts: SERVER,
        usage: "On|Off",
        arguments: 1..=1,
        about: "Whether edits at run time survive a restart and a reload; On unless Off is written.",
        effect: Effect::Apply(|site, notes, call| {
            site.persist = switch(notes, call).or(site.persist);
        }),
    },
    Directive {
        name: "KeepAlive",
        contexts: SERVER,
        usage: "On|Off",
        arguments: 1..=1,
        about: "Whether a client's connection may carry several requests.",
        effect: Effect::Apply(|site, notes, call| {
            site.keep_alive = switch(notes, call).or(site.keep_alive);
        }),
    },
    Directive {
        name: "KeepAliveTimeout",
        contexts: SERVER,
        usage: "TIME",
        arguments: 1..=1,
        about: "How long a client's connection may be idle; seconds, or with ms, s, mi or h.",
        effect: Effect::Apply(|site, notes, call| {
            let time = value(notes, call, |text, remarks| duration(text, "s", remarks));
            site.keep_alive_timeout = time.or(site.keep_alive_timeout);
        }),
    },
    Directive {
        name: "Listen",
        contexts: SERVER,
        usage: "[ADDRESS:]PORT [http]",
        arguments: 1..=2,
        about: "Where to listen; [v6]:PORT for IPv6, PORT alone for all addresses; port 0 lets the system choose.",
        effect: Effect::Apply(listen),
    },
    Directive {
        name: "MaxKeepAliveRequests",
        contexts: SERVER,
        usage: "NUMBER",
        arguments: 1..=1,
        about: "How many requests a client's connection may carry; 0 means no limit.",
        effect: Effect::Apply(|site, notes, call| {
            let number = value(notes, call, |text, remarks| Whole::from(0, "").read(text, remarks));
            site.max_keep_alive_requests = number.or(site.max_keep_alive_requests);
        }),
    },
    Directive {
        name: "ServerName",
        contexts: SERVER,
        usage: "[SCHEME://]HOST[:PORT]",
        arguments: 1..=1,
        about: "What the proxy calls itself, in Via and X-Forwarded-Server.",
        effect: Effect::Apply(server_name),
    },
    Directive {
        name: "Timeout",
        contexts: SERVER,
        usage: "SECONDS",
        arguments: 1..=1,
        about: "How long to wait for a client, and for members that have no time-out of their own.",
        effect: Effect::Apply(|site, notes, call| site.timeout = seconds(notes, call).or(site.timeout)),
    },
    Directive {
        name: "UseCanonicalName",
        contexts: SERVER,
        usage: "On|Off|DNS",
        arguments: 1..=1,
        about: "Whether the manager page goes by ServerName alone, whatever clients call the proxy; DNS is as On.",
        effect: Effect::Apply(|site, notes, call| {
            let dns = call.text(0).eq_ignore_ascii_case("dns");
            let canonical = if dns { Some(true) } else { switch(notes, call) };
            site.canonical_name = canonical.unwrap_or(site.canonical_name);
        }),
    },
];

/// Reads the only argument with `read`, and passes on what there is to say about it.
pub(super) fn value<T>(
    notes: &mut Notes,
    call: &Call<'_>,
    read: impl FnOnce(&str, &mut Remarks) -> Result<T, Complaint>,
) -> Option<T> {
    let mut remarks = Remarks::default();
    let text = call.text(0);
    let named = |complaint: Complaint| Complaint {
        what: format!("'{}' {}", shown(text), complaint.what).into(),
        remedy: complaint.remedy,
    };
    let outcome = read(text, &mut remarks);
    match outcome {
        Ok(value) => {
            for trap in remarks.traps {
                notes.trap(call.word_spot(0), named(trap));
            }
            Some(value)
        }
        Err(complaint) => {
            notes.error(call.word_spot(0), named(complaint));
            None
        }
    }
}

/// The only argument as On or Off.
pub(super) fn switch(notes: &mut Notes, call: &Call<'_>) -> Option<bool> {
    value(notes, call, |text, _| on_off(text))
}

/// The only argument as seconds, at least one.
pub(super) fn seconds(notes: &mut Notes, call: &Call<'_>) -> Option<Duration> {
    let seconds = value(notes, call, |text, remarks| Whole::from(1, "seconds").read(text, remarks));
    seconds.map(|seconds| Duration::from_secs(u64::from(seconds)))
}

/// The words of `ProxyVia`.
pub(super) fn via(text: &str) -> Result<Via, Complaint> {
    match text.to_ascii_lowercase().as_str() {
        "off" => Ok(Via::Off),
        "on" => Ok(Via::On),
        "full" => Ok(Via::Full),
        "block" => Ok(Via::Block),
        _ => Err(Complaint::new("must be Off, On, Full or Block", "write one of them")),
    }
}

fn listen(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    if let Some(protocol) = call.words.get(1).filter(|word| !word.text.eq_ignore_ascii_case("http")) {
        let what = format!("'{}' is not spoken here: there is no TLS yet", shown(&protocol.text));
        return notes.error(protocol.spot, Complaint::new(what, "leave it out, or write http"));
    }
    match address(call.text(0)) {
        Ok(address) => {
            let same = address.port() != 0 && site.listen.contains(&address);
            if same {
                let what = format!("{address} is listened on already");
                notes.error(call.spot, Complaint::new(what, "remove one of the two lines"));
            } else if site.listen.len() >= limits::LISTENERS {
                let what = format!("there are more than {} Listen lines", limits::LISTENERS);
                notes.error(call.spot, Complaint::new(what, "remove some"));
            } else {
                site.listen.push(address);
            }
        }
        Err(complaint) => notes.error(call.word_spot(0), complaint),
    }
}

/// `80`, `*:80`, `127.0.0.1:80` or `[::1]:80`. A port alone means all addresses of both families.
pub(super) fn address(text: &str) -> Result<SocketAddr, Complaint> {
    let wrong = |why: &str| {
        let what = format!("'{}' {why}", shown(text));
        Complaint::new(what, "write for example 8080, 127.0.0.1:8080 or [::1]:8080")
    };
    let (host, port) = text.rsplit_once(':').unwrap_or(("*", text));
    if port.contains(['.', ']']) || port.is_empty() {
        return Err(wrong("has no port"));
    }
    let number = port.bytes().all(|b| b.is_ascii_digit()).then(|| port.parse::<u16>().ok()).flatten();
    let port = number.ok_or_else(|| wrong("has a port that is no number up to 65535"))?;
    let ip = match host {
        "*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        host => match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(v6) => {
                v6.parse().map(IpAddr::V6).map_err(|_| wrong("has no IPv6 address in its brackets"))?
            }
            None => host
                .parse()
                .map(IpAddr::V4)
                .map_err(|_| wrong("is no IP address with a port; names are not resolved"))?,
        },
    };
    Ok(SocketAddr::new(ip, port))
}

fn server_name(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let text = call.text(0);
    let bare = text.split_once("://").map_or(text, |(_, bare)| bare);
    let (host, port) = match bare.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (bare, None),
    };
    let host_is_fine = !host.is_empty()
        && host.len() <= 255
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:[]".contains(&b));
    let port_is_fine = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    if host_is_fine && port_is_fine {
        site.server_name = Some(bare.to_owned());
    } else {
        let what = format!("'{}' is no name of a server", shown(text));
        notes.error(
            call.word_spot(0),
            Complaint::new(what, "write a host, such as www.example.com or example.com:80"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("80", Some("[::]:80")),
            ("*:8080", Some("[::]:8080")),
            ("127.0.0.1:0", Some("127.0.0.1:0")),
            ("0.0.0.0:65535", Some("0.0.0.0:65535")),
            ("[::1]:1234", Some("[::1]:1234")),
            ("", None),
            ("x", None),
            ("127.0.0.1", None),
            ("[::1]", None),
            ("::1:80", None),
            ("localhost:80", None),
            ("70000", None),
            ("-1", None),
            ("+80", None),
            ("1234x", None),
            ("127.0.0.1:", None),
            ("[x]:80", None),
            ("[127.0.0.1]:80", None),
            ("80 ", None),
        ] {
            assert_eq!(
                address(text).ok().map(|address| address.to_string()).as_deref(),
                expected,
                "{text:?}"
            );
        }
    }
}
