//! The page, as httpd draws it: what scrapers look for stands where httpd has it, byte for byte.
//!
//! What httpd's page does not have stands where they do not look: who we are in the signature, and what became of a
//! form above the first line.

use std::fmt::{Result, Write as _};

use evenkeel_protocol::{BalancerSnapshot, MemberSnapshot, size};

use super::text::{Escaped, in_url};
use super::{Notice, Sheet, View, entry};

const HEAD: &str = "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\">\n\
    <html><head><title>Balancer Manager</title>\n\
    <style type='text/css'>\n\
    body {\n font-family: system-ui, sans-serif;\n margin: 1.5em;\n}\n\
    table {\n border-width: 1px;\n border-spacing: 3px;\n border-style: solid;\n border-color: gray;\n \
    border-collapse: collapse;\n background-color: white;\n text-align: center;\n}\n\
    th {\n border-width: 1px;\n padding: 4px 8px;\n border-style: dotted;\n border-color: gray;\n \
    background-color: #e8ecf0;\n text-align: center;\n white-space: nowrap;\n}\n\
    td {\n border-width: 1px;\n padding: 4px 8px;\n border-style: dotted;\n border-color: gray;\n \
    background-color: white;\n text-align: center;\n font-variant-numeric: tabular-nums;\n white-space: nowrap;\n}\n\
    td:first-child, form td {\n text-align: left;\n}\n\
    .done, .refused {\n border-left: 4px solid #2e7d32;\n padding: 4px 12px;\n margin: 4px 0;\n \
    background-color: #eef6ee;\n}\n\
    .refused {\n border-color: #b71c1c;\n background-color: #fbeeee;\n}\n\
    address {\n color: #555;\n margin-top: 1em;\n}\n\
    </style>\n</head>\n";

/// The version that we speak as; clients look for it.
const SPOKEN: &str = "2.4.71";

const MEMBER_HEADINGS: [&str; 17] = [
    "Worker URL",
    "Route",
    "RouteRedir",
    "Factor",
    "Set",
    "Status",
    "Elected",
    "Busy",
    "Load",
    "To",
    "From",
    "HC Method",
    "HC Interval",
    "Passes",
    "Fails",
    "HC uri",
    "HC Expr",
];

/// The whole page.
pub(super) fn page(view: &View<'_>) -> String {
    let mut out = String::with_capacity(16 * 1024);
    // A string takes everything.
    let _ = write_page(view, &mut out);
    out
}

fn write_page(view: &View<'_>, out: &mut String) -> Result {
    out.push_str(HEAD);
    writeln!(out, "<body><h1>Load Balancer Manager for {}</h1>\n", Escaped(view.host))?;
    notices(view.notices, out)?;
    let not = if view.persists { "" } else { "NOT " };
    let built = view.built;
    writeln!(
        out,
        "<dl><dt>Server Version: Apache/{SPOKEN} (Evenkeel)</dt>\n<dt>Server Built: {built}</dt>\n\
         <dt>Balancer changes will {not}be persisted on restart.</dt>\
         <dt>Balancers are inherited from main server.</dt>\
         <dt>ProxyPass settings are inherited from main server.</dt></dl>"
    )?;
    for (balancer, sheet) in view.balancers() {
        balancer_tables(view, (balancer, sheet), out)?;
    }
    out.push_str("<hr />\n");
    if !view.expressions.is_empty() {
        out.push_str(
            "\n\n<table><tr><th colspan='2'>Health check cond. expressions:</th></tr>\n\
             <tr><th>Expr name</th><th>Expression</th></tr>\n",
        );
        for (name, text) in view.expressions {
            writeln!(out, "<tr><td>{}</td><td>{}</td></tr>", Escaped(name), Escaped(text))?;
        }
        out.push_str("</table><hr/>\n");
    }
    entry::form(view, out)?;
    writeln!(
        out,
        "<address>Evenkeel {}, in the words of the balancer-manager of Apache httpd {SPOKEN}</address>\n</body></html>",
        env!("CARGO_PKG_VERSION")
    )
}

/// What became of a form, which httpd does not say.
fn notices(notices: &[Notice], out: &mut String) -> Result {
    for notice in notices {
        let class = if notice.done { "done" } else { "refused" };
        writeln!(out, "<p class='{class}' role='status'>{}</p>", Escaped(&notice.text))?;
    }
    Ok(())
}

fn balancer_tables(
    view: &View<'_>,
    (balancer, sheet): (&BalancerSnapshot, &Sheet),
    out: &mut String,
) -> Result {
    let (name, settings) = (balancer.name.as_str(), &balancer.settings);
    let (path, nonce) = (Escaped(view.path), Escaped(&sheet.nonce));
    writeln!(
        out,
        "<hr />\n<h3>LoadBalancer Status for <a href=\"{path}?b={name}&amp;nonce={nonce}\">balancer://{name}</a> [{}]</h3>\n\n",
        Escaped(&sheet.id)
    )?;
    let sticky = settings.stickysession.as_ref().map_or_else(|| " (None) ".to_owned(), ToString::to_string);
    let (most, count) = (sheet.most(), balancer.members.len());
    writeln!(
        out,
        "<table><tr><th>MaxMembers</th><th>StickySession</th><th>DisableFailover</th><th>Timeout</th>\
         <th>FailoverAttempts</th><th>Method</th><th>Path</th><th>Active</th></tr>\n\
         <tr><td>{most} [{count} Used]</td>\n<td>{}</td><td>{}</td>\n<td>{}</td><td>{}</td>\n<td>{}</td>\n<td>{}</td>\n\
         <td>Yes</td>\n</tr>\n</table>\n<br />\n",
        Escaped(&sticky),
        on_off(settings.nofailover),
        settings.timeout,
        attempts(balancer),
        settings.lbmethod,
        Escaped(sheet.path.as_deref().unwrap_or("/")),
    )?;
    out.push_str("<table><tr>");
    for heading in MEMBER_HEADINGS {
        write!(out, "<th>{heading}</th>")?;
    }
    out.push_str("</tr>\n");
    for member in &balancer.members {
        member_row(view, (name, &sheet.nonce), member, out)?;
    }
    out.push_str("</table>\n");
    Ok(())
}

fn member_row(
    view: &View<'_>,
    (balancer, nonce): (&str, &str),
    member: &MemberSnapshot,
    out: &mut String,
) -> Result {
    write!(
        out,
        "<tr>\n<td><a href=\"{}?b={balancer}&amp;w={}&amp;nonce={}\">{}</a></td>",
        Escaped(view.path),
        // In httpd's links it stands bare, and what follows it is another parameter.
        in_url(member.name.url().as_bytes()).replace('&', "%26"),
        Escaped(nonce),
        shown(member),
    )?;
    write!(
        out,
        "<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{} </td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>",
        Escaped(member.route.as_str()),
        Escaped(member.redirect.as_str()),
        member.lbfactor,
        member.lbset,
        member.words,
        member.elected,
        member.busy,
        member.lbstatus,
        size::format(member.transferred),
        size::format(member.read),
    )?;
    let health = &member.health;
    writeln!(
        out,
        "<td>{}</td><td>{}</td><td>{} ({})</td><td>{} ({})</td><td>{}</td><td>{}</td></tr>",
        health.method,
        health.interval,
        health.passes,
        health.passed,
        health.fails,
        health.failed,
        Escaped(health.uri.as_str()),
        Escaped(health.expression.as_str()),
    )
}

/// A member's name as pages show it.
pub(super) fn shown(member: &MemberSnapshot) -> String {
    let whole = Escaped(member.name.as_str());
    if member.name.unix_path().is_some() { format!("<i>{whole}</i>") } else { whole.to_string() }
}

/// Failovers after the first try, as httpd resolves them at its start.
pub(super) fn attempts(balancer: &BalancerSnapshot) -> u32 {
    let others = u32::try_from(balancer.members.len()).unwrap_or(u32::MAX).saturating_sub(1);
    balancer.settings.maxattempts.unwrap_or(others)
}

pub(super) fn on_off(on: bool) -> &'static str {
    if on { "On" } else { "Off" }
}
