//! The forms in which a member or a balancer is changed, with the fields of httpd's in their order.

use std::fmt::{Result, Write as _};

use evenkeel_protocol::{BalancerSnapshot, CheckMethod, LbMethod, MemberSnapshot};

use super::form::FLAGS;
use super::html::{attempts, shown};
use super::text::{Escaped, Quoted};
use super::{Sheet, View};

/// The headings over the switches, in the order of the form's flags.
const FLAG_HEADINGS: [&str; 7] =
    ["Ignore Errors", "Draining Mode", "Disabled", "Hot Standby", "Hot Spare", "HC Fail", "Stopped"];

/// The fields for another member, as httpd has them while there is room.
const NEWCOMER: &str = "<tr><td>Add New Worker:</td><td><input name='b_nwrkr' id='b_nwrkr' size=32 type=text>\
     &nbsp;&nbsp;&nbsp;&nbsp;Are you sure? <input name='b_wyes' id='b_wyes' type=checkbox value='1'></td></tr>";

/// The form of what was asked for, if anything was.
pub(super) fn form(view: &View<'_>, out: &mut String) -> Result {
    let Some((balancer, sheet, member)) = view.selected else { return Ok(()) };
    match member {
        Some(member) => member_form(view, member, out)?,
        None => balancer_form(view, (balancer, sheet), out)?,
    }
    hidden((balancer, sheet), member, out)?;
    out.push_str("</form>\n<hr />\n");
    Ok(())
}

fn open(view: &View<'_>, out: &mut String) -> Result {
    writeln!(
        out,
        "<form method='POST' enctype='application/x-www-form-urlencoded' action=\"http://{}{}\">",
        Escaped(view.authority),
        Escaped(view.path)
    )
}

fn hidden(
    (balancer, sheet): (&BalancerSnapshot, &Sheet),
    member: Option<&MemberSnapshot>,
    out: &mut String,
) -> Result {
    if let Some(member) = member {
        // A browser gives it back as it stands here, and it is decoded twice.
        let url = super::text::in_url(member.name.url().as_bytes());
        writeln!(out, "<input type=hidden name='w' id='w' value=\"{}\">", Escaped(&url))?;
    }
    writeln!(
        out,
        "<input type=hidden name='b' id='b' value=\"{}\">\n<input type=hidden name='nonce' id='nonce' value='{}'>",
        Escaped(balancer.name.as_str()),
        Quoted(&sheet.nonce)
    )
}

fn member_form(view: &View<'_>, member: &MemberSnapshot, out: &mut String) -> Result {
    writeln!(out, "<h3>Edit worker settings for {}</h3>", shown(member))?;
    open(view, out)?;
    writeln!(
        out,
        "<table><tr><td>Load factor:</td><td><input name='w_lf' id='w_lf' type=text value='{}'></td></tr>\n\
         <tr><td>LB Set:</td><td><input name='w_ls' id='w_ls' type=text value='{}'></td></tr>\n\
         <tr><td>Route:</td><td><input name='w_wr' id='w_wr' type=text value=\"{}\"></td></tr>\n\
         <tr><td>Route Redirect:</td><td><input name='w_rr' id='w_rr' type=text value=\"{}\"></td></tr>",
        member.lbfactor,
        member.lbset,
        Escaped(member.route.as_str()),
        Escaped(member.redirect.as_str())
    )?;
    out.push_str("<tr><td>Status:</td><td><table><tr>");
    for heading in FLAG_HEADINGS {
        write!(out, "<th>{heading}</th>")?;
    }
    out.push_str("</tr>\n<tr>");
    for (letter, flag) in FLAGS {
        out.push_str("<td>");
        switch(&format!("w_status_{letter}"), member.status.has(flag), out)?;
        out.push_str("</td>\n");
    }
    out.push_str("</tr></table></td></tr>\n");
    health(view, member, out)?;
    out.push_str("<tr><td colspan='2'><input type=submit value='Submit'></td></tr>\n</table>\n");
    Ok(())
}

/// A pair of radio buttons, of which one is always sent.
fn switch(name: &str, on: bool, out: &mut String) -> Result {
    let (checked, unchecked) = if on { (" checked", "") } else { ("", " checked") };
    write!(
        out,
        "<label for='{name}1'>On</label> <input name='{name}' id='{name}1' value='1' type=radio{checked}> <br/> \
         <label for='{name}0'>Off</label> <input name='{name}' id='{name}0' value='0' type=radio{unchecked}>"
    )
}

fn health(view: &View<'_>, member: &MemberSnapshot, out: &mut String) -> Result {
    out.push_str(
        "<tr><td colspan='2'>\n<table align='center'><tr><th>Health Check param</th><th>Value</th></tr>\n\
         <tr><td>Method</td><td><select name='w_hm'>\n",
    );
    let selected = |is: bool| if is { "selected" } else { "" };
    let health = &member.health;
    for method in CheckMethod::ALL {
        writeln!(out, "<option value='{method}' {} >{method}</option>", selected(health.method == method))?;
    }
    out.push_str("</select>\n</td></tr>\n");
    out.push_str("<tr><td>Expr</td><td><select name='w_he'>\n");
    if !view.expressions.is_empty() {
        // httpd has no empty choice, so that a browser sends the first expression where none was set.
        writeln!(out, "<option value='' {} ></option>", selected(health.expression.is_empty()))?;
    }
    for (name, _) in view.expressions {
        let is = health.expression.as_str().eq_ignore_ascii_case(name);
        writeln!(out, "<option value='{0}' {1} >{0}</option>", Quoted(name), selected(is))?;
    }
    out.push_str("</select>\n</td></tr>\n");
    writeln!(
        out,
        "<tr><td>Interval (ms)</td><td><input name='w_hi' id='w_hi' type='text' value='{}'></td></tr>\n\
         <tr><td>Passes trigger</td><td><input name='w_hp' id='w_hp' type='text' value='{}'></td></tr>\n\
         <tr><td>Fails trigger)</td><td><input name='w_hf' id='w_hf' type='text' value='{}'></td></tr>\n\
         <tr><td>HC uri</td><td><input name='w_hu' id='w_hu' type='text' value=\"{}\"></td></tr>\n\
         </table>\n</td></tr>",
        health.interval.millis(),
        health.passes,
        health.fails,
        Escaped(health.uri.as_str())
    )
}

fn balancer_form(
    view: &View<'_>,
    (balancer, sheet): (&BalancerSnapshot, &Sheet),
    out: &mut String,
) -> Result {
    let settings = &balancer.settings;
    writeln!(out, "<h3>Edit balancer settings for {}</h3>", balancer.name.url())?;
    open(view, out)?;
    out.push_str("<table>\n<tr><td>LBmethod:</td><td>\n<select name='b_lbm' id='b_lbm'>");
    for method in LbMethod::ALL {
        let selected = if settings.lbmethod == method { " selected " } else { "" };
        writeln!(out, "<option value='{method}'{selected}>{method}")?;
    }
    write!(
        out,
        "</select>\n</td></tr>\n\
         <tr><td>Timeout:</td><td><input name='b_tmo' id='b_tmo' type=text value='{}'></td></tr>\n\
         <tr><td>Failover Attempts:</td><td><input name='b_max' id='b_max' type=text value='{}'></td></tr>\n\
         <tr><td>Disable Failover:</td><td>",
        settings.timeout,
        attempts(balancer)
    )?;
    switch("b_sforce", settings.nofailover, out)?;
    let sticky = settings.stickysession.as_ref().map(ToString::to_string).unwrap_or_default();
    writeln!(
        out,
        "</td>\n</tr>\n<tr><td>Sticky Session:</td><td><input name='b_ss' id='b_ss' size=64 type=text value =\"{}\">\
         &nbsp;&nbsp;&nbsp;&nbsp;(Use '-' to delete)</td></tr>\n\
         {}<tr><td colspan=2><input type=submit value='Submit'></td></tr>\n</table>",
        Escaped(&sticky),
        if sheet.has_room() { NEWCOMER } else { "" }
    )
}
