//! Directives that limit what clients may send, how slowly, and how many may come.

use crate::config::client::{Pace, RequestLimits};
use crate::config::directive::server::value;
use crate::config::directive::{Call, Context, Directive, Effect, SERVER};
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::{Remarks, Whole, shown};
use crate::config::site::{Scope, Site};

const LIMIT: &str = "let a proxy in front limit requests";

type Apply = fn(&mut Site, &mut Notes, &Call<'_>);

const fn guard(apply: Apply) -> Effect {
    Effect::Guard { apply, does: "limits requests", remedy: LIMIT, harmless: |_| false }
}

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[
    Directive {
        name: "LimitRequestBody",
        contexts: &[Context::Server, Context::Location],
        usage: "BYTES",
        arguments: 1..=1,
        about: "How large a request's body may be; 0 means no limit, as without the line. The last <Location> that fits \
                wins over the line outside. httpd applies it to nothing that goes to members.",
        effect: guard(body),
    },
    Directive {
        name: "LimitRequestFields",
        contexts: SERVER,
        usage: "NUMBER",
        arguments: 1..=1,
        about: "How many header fields a request may have, by default 100; 0 means no limit of its own.",
        effect: guard(|site, notes, call| {
            let number = value(notes, call, |text, remarks| Whole::from(0, "").read(text, remarks));
            let number = number.and_then(|number| usize::try_from(number).ok());
            site.request_limits.fields = number.unwrap_or(site.request_limits.fields);
        }),
    },
    Directive {
        name: "LimitRequestFieldSize",
        contexts: SERVER,
        usage: "BYTES",
        arguments: 1..=1,
        about: "How long one header field of a request may be, by default 8190 bytes.",
        effect: guard(|site, notes, call| {
            site.request_limits.field_size = bytes(notes, call).unwrap_or(site.request_limits.field_size);
        }),
    },
    Directive {
        name: "LimitRequestLine",
        contexts: SERVER,
        usage: "BYTES",
        arguments: 1..=1,
        about: "How long the first line of a request may be, by default 8190 bytes.",
        effect: guard(|site, notes, call| {
            site.request_limits.line = bytes(notes, call).unwrap_or(site.request_limits.line);
        }),
    },
    Directive {
        name: "MaxClients",
        contexts: SERVER,
        usage: "NUMBER",
        arguments: 1..=1,
        about: "The old name of MaxRequestWorkers.",
        effect: Effect::Apply(most_connections),
    },
    Directive {
        name: "MaxRequestWorkers",
        contexts: SERVER,
        usage: "NUMBER",
        arguments: 1..=1,
        about: "How many connections of clients are served at once; further ones wait until one ends.",
        effect: Effect::Apply(most_connections),
    },
    Directive {
        name: "RequestReadTimeout",
        contexts: SERVER,
        usage: "[header=SECONDS[-MOST][,MinRate=BYTES]] [body=…]",
        arguments: 0..=8,
        about: "How long a request may take to come, by default header=20-40,MinRate=500 body=20,MinRate=500; as many \
                bytes as MinRate prolong it by a second; 0 means no limit. handshake= has no effect without TLS.",
        effect: guard(read_timeout),
    },
];

/// A length of a line or field.
fn bytes(notes: &mut Notes, call: &Call<'_>) -> Option<usize> {
    let read = |text: &str, remarks: &mut Remarks| {
        let number = Whole::from(0, "bytes").read(text, remarks)?;
        if number == 0 {
            let what = "lets no request through, as in httpd; it does not mean that there is no limit";
            remarks.traps.push(Complaint::new(what, "write a number of bytes, such as 8190"));
        }
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    };
    let number = value(notes, call, read)?;
    if number > RequestLimits::LONGEST {
        let what =
            format!("more than {} bytes are not taken here; that is the limit", RequestLimits::LONGEST);
        let remedy = format!("write {}", RequestLimits::LONGEST);
        notes.warn(call.word_spot(0), Complaint::new(what, remedy));
    }
    Some(number.min(RequestLimits::LONGEST))
}

fn body(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let text = call.text(0);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // httpd keeps it in a signed number of 64 bits.
    let number =
        digits.then(|| text.parse::<u64>().ok()).flatten().filter(|number| i64::try_from(*number).is_ok());
    let Some(number) = number else {
        let what = format!("'{}' must be a whole number of bytes, at least 0", shown(text));
        let remedy = "write a number without a unit, such as 1073741824";
        return notes.error(call.word_spot(0), Complaint::new(what, remedy));
    };
    if number > 0 {
        let what = "httpd does not limit bodies that go to members; here this limit holds";
        notes.warn(call.spot, Complaint::new(what, "remove it to have no limit, as in httpd"));
    }
    match call.scope {
        Scope::Location(path) => site.body_limits.push((path.clone(), number)),
        _ => site.request_limits.body = number,
    }
}

fn most_connections(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let number = value(notes, call, |text, remarks| Whole::from(1, "").read(text, remarks));
    site.max_connections = number.and_then(|number| usize::try_from(number).ok()).or(site.max_connections);
}

fn read_timeout(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    for word in call.words {
        let Some((stage, pace)) = word.text.split_once('=') else {
            let what = format!("'{}' is not STAGE=SECONDS", shown(&word.text));
            notes
                .error(word.spot, Complaint::new(what, "write for example header=20-40,MinRate=500 body=20"));
            continue;
        };
        let known = ["header", "body", "handshake"];
        let Some(stage) = known.into_iter().find(|known| stage.eq_ignore_ascii_case(known)) else {
            let what = format!("there is no stage '{}'", shown(stage));
            notes.error(word.spot, Complaint::new(what, "write header= or body="));
            continue;
        };
        match Pace::parse(pace) {
            Ok(pace) if stage == "header" => site.read_timeouts.header = pace,
            Ok(pace) if stage == "body" => site.read_timeouts.body = pace,
            // There is no TLS yet that could be waited for.
            Ok(_) => {}
            Err(why) => {
                let what = format!("'{}' {why}", shown(&word.text));
                notes.error(
                    word.spot,
                    Complaint::new(what, format!("write for example {stage}=20,MinRate=500")),
                );
            }
        }
    }
}
