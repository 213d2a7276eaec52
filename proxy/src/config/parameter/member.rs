//! The parameters of a member, one row each; httpd's keywords and ranges.
//!
//! Those that this proxy does not use yet are read as strictly, and say so.

use std::time::Duration;

use evenkeel_protocol::{Flag, Lbset, Route, Status, Upgrade};

use crate::config::health;
use crate::config::notes::Complaint;
use crate::config::parameter::Parameter;
use crate::config::parameter::value::{Remarks, Whole, duration, factor, on_off, shown, some_time};
use crate::config::site::MemberDraft;

/// What the rows set.
pub(in crate::config) type Draft = MemberDraft;

const SIZE: &str = "bytes, 0 or at least 512";
const NOT_YET: &str = "remove it, or keep it for later";

/// All parameters of a member, sorted by keyword.
pub(in crate::config) static ROWS: &[Parameter<Draft>] = &[
    Parameter {
        key: "acquire",
        range: "a time (without a unit: ms), at least 1 ms",
        about: "How long a request waits for a connection when max are in use.",
        set: |draft, text, remarks| {
            draft.settings.connection.acquire = Some(some_time(text, "ms", remarks)?);
            Ok(())
        },
    },
    Parameter {
        key: "addressttl",
        range: "a time (without a unit: s), or -1",
        about: "How long a resolved address is used; not used yet.",
        set: |_, text, remarks| {
            if text != "-1" {
                duration(text, "s", remarks)?;
            }
            remarks.unused("a name is looked up until it resolves, and then kept", NOT_YET);
            Ok(())
        },
    },
    Parameter {
        key: "connectiontimeout",
        range: "a time (without a unit: s), at least 1 ms",
        about: "How long to wait for a connection; without it, timeout.",
        set: |draft, text, remarks| {
            draft.settings.connection.connectiontimeout = Some(some_time(text, "s", remarks)?);
            Ok(())
        },
    },
    Parameter {
        key: "disablereuse",
        range: "On or Off",
        about: "A new connection for each request.",
        set: |draft, text, _| on_off(text).map(|on| draft.settings.connection.disablereuse = on),
    },
    Parameter {
        key: "enablereuse",
        range: "On or Off",
        about: "The opposite of disablereuse; the later one counts.",
        set: |draft, text, _| on_off(text).map(|on| draft.settings.connection.disablereuse = !on),
    },
    Parameter {
        key: "flusher",
        range: "a name of at most 15 characters",
        about: "Only for a protocol that is not supported; not used.",
        set: |_, text, remarks| {
            if text.len() > 15 {
                return Err(Complaint::new("is longer than 15 characters", "shorten it"));
            }
            remarks.unused("it belongs to fdpass members", NOT_YET);
            Ok(())
        },
    },
    Parameter {
        key: "flushpackets",
        range: "on, off or auto",
        about: "When parts of an answer are passed on; here always at once.",
        set: |_, text, remarks| {
            if !["on", "off", "auto"].contains(&text.to_ascii_lowercase().as_str()) {
                return Err(Complaint::new("must be on, off or auto", "remove it"));
            }
            remarks.unused("parts of an answer are always passed on at once", NOT_YET);
            Ok(())
        },
    },
    Parameter {
        key: "flushwait",
        range: "milliseconds from 0 to 1000",
        about: "How long flushpackets=auto waits; not used.",
        set: |_, text, remarks| {
            Whole { least: 0, most: 1000, unit: "milliseconds" }.read(text, remarks)?;
            remarks.unused("parts of an answer are always passed on at once", NOT_YET);
            Ok(())
        },
    },
    Parameter {
        key: "hcexpr",
        range: "the name of a ProxyHCExpr above",
        about: "The expression that decides on the answer to a health check; without it the status, 200 to 399.",
        set: |draft, text, _| health::expression(&mut draft.settings.health, text, &draft.health),
    },
    Parameter {
        key: "hcfails",
        range: "a whole number, at least 0; 0 is as 1",
        about: "How many health checks in a row must fail for the member to fail.",
        set: |draft, text, remarks| {
            health::count(text, remarks).map(|count| draft.settings.health.fails = count)
        },
    },
    Parameter {
        key: "hcinterval",
        range: "a time (without a unit: s), at least 100 ms",
        about: "The time from the end of a health check to the next one.",
        set: |draft, text, remarks| health::interval(&mut draft.settings.health, text, remarks),
    },
    Parameter {
        key: "hcmethod",
        range: "NONE, TCP, OPTIONS, HEAD, GET, OPTIONS11, HEAD11 or GET11",
        about: "How its health is checked; without it not at all.",
        set: |draft, text, _| health::method(&mut draft.settings.health, text),
    },
    Parameter {
        key: "hcpasses",
        range: "a whole number, at least 0; 0 is as 1",
        about: "How many health checks in a row must pass for a failed member to be used again.",
        set: |draft, text, remarks| {
            health::count(text, remarks).map(|count| draft.settings.health.passes = count)
        },
    },
    Parameter {
        key: "hctemplate",
        range: "the name of a ProxyHCTemplate above",
        about: "Takes all hc values of a template; those behind it on the line change them.",
        set: |draft, text, _| health::template(&mut draft.settings.health, text, &draft.health),
    },
    Parameter {
        key: "hctimeout",
        range: "a time (without a unit: s), at least 1 ms",
        about: "How long a whole health check may take (httpd has no such parameter); without it the member's time-outs.",
        set: |draft, text, remarks| health::timeout(&mut draft.settings.health, text, remarks),
    },
    Parameter {
        key: "hcuri",
        range: "at most 63 characters",
        about: "What a health check asks for, behind the path of the member's URL.",
        set: |draft, text, _| health::uri(&mut draft.settings.health, text),
    },
    Parameter {
        key: "iobuffersize",
        range: SIZE,
        about: "The size of the buffer between client and member; not used yet.",
        set: size,
    },
    Parameter {
        key: "keepalive",
        range: "On or Off",
        about: "TCP keep-alive on connections to the member.",
        set: |draft, text, _| on_off(text).map(|on| draft.settings.connection.keepalive = on),
    },
    Parameter {
        key: "lbset",
        range: "a whole number from 0 to 99",
        about: "The set that it belongs to; lower sets are tried first.",
        set: |draft, text, remarks| {
            let rule = Whole { least: 0, most: 99, unit: "" };
            let number = rule.read(text, remarks)?;
            draft.settings.lbset = u8::try_from(number).ok().and_then(Lbset::new).unwrap_or_default();
            Ok(())
        },
    },
    Parameter {
        key: "loadfactor",
        range: "a number from 1 to 100, kept in hundredths",
        about: "The share of the work that it is meant to take.",
        set: |draft, text, remarks| {
            draft.settings.lbfactor = factor(text, remarks)?;
            Ok(())
        },
    },
    Parameter {
        key: "max",
        range: "a whole number; 0 means no limit",
        about: "How many requests may be on their way to it at once, in the whole process.",
        set: |draft, text, remarks| {
            let number = Whole::from(0, "").read(text, remarks)?;
            draft.settings.connection.max = (number > 0).then_some(number);
            Ok(())
        },
    },
    Parameter {
        key: "min",
        range: "a whole number, at least 0",
        about: "How many connections should be kept at least; opens none, as in httpd.",
        set: |_, text, remarks| {
            Whole::from(0, "").read(text, remarks)?;
            remarks.unused("no connection is opened before it is needed, as in httpd", "remove it");
            Ok(())
        },
    },
    Parameter {
        key: "ping",
        range: "a time (without a unit: s), at least 1 ms",
        about: "How long to wait for a sign of life before a body is sent, or a connection that idled is relied on.",
        set: |draft, text, remarks| {
            draft.settings.connection.ping = Some(some_time(text, "s", remarks)?);
            Ok(())
        },
    },
    Parameter {
        key: "receivebuffersize",
        range: SIZE,
        about: "The size of the socket's receive buffer; not used yet.",
        set: size,
    },
    Parameter {
        key: "redirect",
        range: "a route, at most 63 characters",
        about: "The route that its sessions take while it is unusable.",
        set: |draft, text, _| route(text).map(|route| draft.settings.redirect = route),
    },
    Parameter {
        key: "responsefieldsize",
        range: "bytes, at least 0",
        about: "The longest line of an answer's header; 0 means 8192, which it also is without it.",
        set: |draft, text, remarks| {
            let number = Whole::from(0, "bytes").read(text, remarks)?;
            let number = usize::try_from(number).ok().filter(|number| *number > 0);
            draft.settings.connection.responsefieldsize = number;
            Ok(())
        },
    },
    Parameter {
        key: "retry",
        range: "seconds, at least 0",
        about: "How long a member in error is left alone.",
        set: |draft, text, remarks| {
            draft.settings.retry = Whole::from(0, "seconds").read(text, remarks)?;
            Ok(())
        },
    },
    Parameter {
        key: "route",
        range: "at most 63 characters",
        about: "The tag that ties sessions to it.",
        set: |draft, text, _| route(text).map(|route| draft.settings.route = route),
    },
    Parameter {
        key: "secret",
        range: "at most 63 characters",
        about: "Only for a protocol that is not supported; not used.",
        set: |_, text, remarks| {
            if text.len() > Route::LONGEST {
                return Err(Complaint::new("is longer than 63 characters", "shorten it"));
            }
            remarks.unused("it belongs to ajp members", NOT_YET);
            Ok(())
        },
    },
    Parameter {
        key: "smax",
        range: "a whole number, at least 0",
        about: "How many idle connections outlive ttl; without it, max.",
        set: |draft, text, remarks| {
            draft.settings.connection.smax = Some(Whole::from(0, "").read(text, remarks)?);
            Ok(())
        },
    },
    Parameter {
        key: "status",
        range: "letters of D S I R H E N C U F G O, with + or -",
        about: "The flags that it starts with.",
        set: status,
    },
    Parameter {
        key: "timeout",
        range: "seconds, at least 1",
        about: "How long to wait for it to take or send something; without it, ProxyTimeout, else Timeout.",
        set: |draft, text, remarks| {
            let seconds = Whole::from(1, "seconds").read(text, remarks)?;
            draft.timeout = Some(Duration::from_secs(u64::from(seconds)));
            Ok(())
        },
    },
    Parameter {
        key: "ttl",
        range: "seconds, at least 1",
        about: "How long an idle connection is kept.",
        set: |draft, text, remarks| {
            let seconds = Whole::from(1, "seconds").read(text, remarks)?;
            draft.settings.connection.ttl = Some(Duration::from_secs(u64::from(seconds)));
            Ok(())
        },
    },
    Parameter {
        key: "upgrade",
        range: "protocols joined by commas, ANY or NONE; at most 15 characters",
        about: "Which protocols a client may change to; without it none, and of ws members WebSocket.",
        set: upgrade,
    },
];

/// An empty list is none at all, as in httpd.
fn upgrade(draft: &mut Draft, text: &str, remarks: &mut Remarks) -> Result<(), Complaint> {
    let connection = &mut draft.settings.connection;
    if text.is_empty() {
        connection.upgrade = draft.name.default_upgrade();
        return Ok(());
    }
    let upgrade: Upgrade =
        text.parse().map_err(|why: String| Complaint::new(why, "write upgrade=WebSocket"))?;
    if upgrade.names_what_is_never_allowed() {
        let what = "has no effect as to h2c: behind it requests would pass unseen";
        remarks.warnings.push(Complaint::new(what, "remove h2c"));
    }
    connection.upgrade = Some(upgrade);
    Ok(())
}

fn size(_: &mut Draft, text: &str, remarks: &mut Remarks) -> Result<(), Complaint> {
    if (1..512).contains(&Whole::from(0, "bytes").read(text, remarks)?) {
        return Err(Complaint::new("must be 0 or at least 512 bytes", "remove it"));
    }
    remarks.unused("buffers have the proxy's own size", NOT_YET);
    Ok(())
}

fn route(text: &str) -> Result<Route, Complaint> {
    text.parse::<Route>().map_err(|why| Complaint::new(why.0, "write a short name, such as node1"))
}

/// Flags add up over several `status=`, as in httpd. `E` has no effect there: the first election lifts it.
fn status(draft: &mut Draft, text: &str, remarks: &mut Remarks) -> Result<(), Complaint> {
    if text.is_empty() {
        remarks
            .traps
            .push(Complaint::new("has no effect: there is no letter", "write for example status=+H"));
        return Ok(());
    }
    let letters = "write for example status=+H, or status=D for disabled";
    let wanted = draft.settings.status.apply(text).map_err(|why| Complaint::new(why, letters))?;
    if Status::INITIALISED.apply(text).is_ok_and(|alone| alone.has(Flag::Error)) {
        let what = "has no effect as to E: the first election lifts it, as in httpd";
        remarks.traps.push(Complaint::new(what, "write status=+D to keep requests away"));
    }
    if !wanted.has(Flag::Initialised) {
        let what = format!("has no effect as to O ({}): every member is initialised", shown(text));
        remarks.traps.push(Complaint::new(what, "write status=+D to keep requests away"));
    }
    draft.settings.status = wanted.with(Flag::Error, false).with(Flag::Initialised, true);
    Ok(())
}
