//! The same as XML, element for element as httpd writes it, with its oddities: cut milliseconds, a missing line end, a
//! load factor that stands twice. What is right stands on the admin interface.

use std::fmt::{Display, Result, Write as _};
use std::time::Duration;

use evenkeel_protocol::{BalancerSnapshot, Flag, MemberSnapshot};

use super::html::{attempts, on_off};
use super::text::Escaped;
use super::{Sheet, View};
use crate::clock;
use crate::config::Written;

/// The whole document.
pub(super) fn document(view: &View<'_>) -> String {
    let mut out = String::with_capacity(16 * 1024);
    // A string takes everything.
    let _ = write_document(view, &mut out);
    out
}

fn write_document(view: &View<'_>, out: &mut String) -> Result {
    out.push_str(
        "<?xml version='1.0' encoding='UTF-8' ?>\n<httpd:manager xmlns:httpd='http://httpd.apache.org'>\n  \
         <httpd:balancers>\n",
    );
    for (balancer, sheet) in view.balancers() {
        out.push_str("    <httpd:balancer>\n");
        balancer_elements(balancer, sheet, out)?;
        out.push_str("      <httpd:workers>\n");
        for (at, member) in balancer.members.iter().enumerate() {
            out.push_str("        <httpd:worker>\n");
            let (settings, written) = sheet.members.get(at).cloned().unwrap_or_default();
            worker(member, &Configured { settings: &settings, written: &written, most: view.most }, out)?;
            out.push_str("        </httpd:worker>\n");
        }
        out.push_str("      </httpd:workers>\n    </httpd:balancer>\n");
    }
    out.push_str("  </httpd:balancers>\n</httpd:manager>");
    Ok(())
}

fn balancer_elements(balancer: &BalancerSnapshot, sheet: &Sheet, out: &mut String) -> Result {
    let settings = &balancer.settings;
    let mut put =
        |name: &str, value: &dyn Display| writeln!(out, "      <httpd:{name}>{value}</httpd:{name}>");
    put("name", &balancer.name.url())?;
    put("nonce", &Escaped(&sheet.nonce))?;
    if let Some(sticky) = &settings.stickysession {
        put("stickysession", &Escaped(&sticky.cookie))?;
        put("nofailover", &on_off(settings.nofailover))?;
    }
    // Without its line end.
    write!(out, "      <httpd:timeout>{}</httpd:timeout>", settings.timeout)?;
    let mut put =
        |name: &str, value: &dyn Display| writeln!(out, "      <httpd:{name}>{value}</httpd:{name}>");
    if sheet.attempts {
        put("maxattempts", &attempts(balancer))?;
    }
    put("lbmethod", &settings.lbmethod)?;
    if settings.stickysession.is_some() {
        put("scolonpathdelim", &on_off(settings.scolonpathdelim))?;
    }
    Ok(())
}

/// What the configuration says of a member.
struct Configured<'a> {
    settings: &'a evenkeel_protocol::ConnectionSettings,
    written: &'a Written,
    /// Connections to who has no limit of its own.
    most: usize,
}

fn worker(member: &MemberSnapshot, configured: &Configured<'_>, out: &mut String) -> Result {
    let Configured { settings, written, most } = configured;
    let mut put =
        |name: &str, value: &dyn Display| writeln!(out, "          <httpd:{name}>{value}</httpd:{name}>");
    put("name", &Escaped(member.name.as_str()))?;
    put("scheme", &member.name.scheme())?;
    put("hostname", &member.name.host())?;
    put("loadfactor", &member.lbfactor)?;
    put("port", &member.name.port())?;
    put("min", &written.min)?;
    let most = settings.max.map_or(*most, |max| usize::try_from(max).unwrap_or(usize::MAX));
    put("smax", &settings.smax.map_or(most, |smax| usize::try_from(smax).unwrap_or(usize::MAX)))?;
    put("max", &most)?;
    put("ttl", &settings.ttl.map_or(0, |ttl| ttl.as_secs()))?;
    if written.timeout {
        put("timeout", &settings.timeout.as_secs())?;
    }
    if let Some(acquire) = settings.acquire {
        put("acquire", &cut(acquire))?;
    }
    if let Some(size) = written.receive_buffer {
        put("recv_buffer_size", &size)?;
    }
    if let Some(size) = written.io_buffer {
        put("io_buffer_size", &size)?;
    }
    if written.keepalive {
        put("keepalive", &on_off(settings.keepalive))?;
    }
    put("status", &format_args!("{} ", member.words))?;
    if let Some(second) = error_time(member) {
        put("error_time", &clock::http_date(second))?;
    }
    put("retries", &member.retries)?;
    put("lbstatus", &member.lbstatus)?;
    put("loadfactor", &member.lbfactor)?;
    put("transferred", &member.transferred)?;
    put("read", &member.read)?;
    put("elected", &member.elected)?;
    put("route", &Escaped(member.route.as_str()))?;
    put("redirect", &Escaped(member.redirect.as_str()))?;
    put("busy", &member.busy)?;
    put("lbset", &member.lbset)?;
    if written.disablereuse {
        // Four blanks fewer.
        writeln!(out, "      <httpd:disablereuse>{}</httpd:disablereuse>", on_off(settings.disablereuse))?;
    }
    let mut put =
        |name: &str, value: &dyn Display| writeln!(out, "          <httpd:{name}>{value}</httpd:{name}>");
    if let Some(connecting) = settings.connectiontimeout {
        put("connectiontimeout", &cut(connecting))?;
    }
    if written.retry {
        put("retry", &member.retry)?;
    }
    Ok(())
}

/// The part below a second in milliseconds, which is all that httpd shows.
fn cut(time: Duration) -> u32 {
    time.subsec_millis()
}

/// When it was found to be unwell, in seconds since 1970.
fn error_time(member: &MemberSnapshot) -> Option<u64> {
    let failed =
        member.health.last.as_ref().filter(|last| !last.passed && member.status.has(Flag::HealthFail));
    let at = member.error.as_ref().map(|error| error.at).or(failed.map(|last| last.at))?;
    Some(at.0 / 1_000_000)
}
