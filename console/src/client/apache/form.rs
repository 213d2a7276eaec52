//! The edit forms of a page: which fields there are, and the bodies that change single ones.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{BalancerEdit, Flag, MemberEdit};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The longest body that httpd reads, in bytes: the rest it would drop without a word.
pub(super) const LONGEST: usize = 1024;

/// Characters of the choices of a field, in a message.
const OFFERED: usize = 400;

/// What stands for itself in a body. A slash and a colon are what the page's own links leave as they are.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/').remove(b':');

/// The fields of a form, by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    posted: bool,
    fields: Vec<(String, Vec<String>)>,
}

/// A field of an edit, as people call it, as forms call it, and with what it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As edits call it.
    pub(super) field: &'static str,
    /// As the form calls it.
    pub(super) name: &'static str,
    /// As the form sends it.
    pub(super) value: String,
    /// As a snapshot shows it.
    pub(super) shown: String,
}

impl Form {
    pub(super) fn new(posted: bool) -> Self {
        Self { posted, fields: Vec::new() }
    }

    pub(super) fn add(&mut self, name: &str, value: &str) {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value.to_owned()),
            None => self.fields.push((name.to_owned(), vec![value.to_owned()])),
        }
    }

    fn values(&self, name: &str) -> Option<&[String]> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, values)| values.as_slice())
    }

    /// Can it add a member? Of a balancer without room httpd leaves these fields out.
    pub(super) fn adds(&self) -> bool {
        self.posted && self.values("b_nwrkr").is_some() && self.values("b_wyes").is_some()
    }

    /// The member that the form is for, if it is not `w`: of a name that httpd reads as another one it takes the member
    /// that has the longest beginning of it.
    pub(super) fn is_of_another(&self, w: &str) -> Option<&str> {
        let named = self.values("w")?.first()?;
        let decoded = percent_decode_str(named).decode_utf8_lossy();
        let is_it = named.eq_ignore_ascii_case(w) || decoded.eq_ignore_ascii_case(w);
        (!is_it).then_some(named)
    }

    /// Where a field would be that this form has not, if it is that of the other kind; none: it is of the right one.
    /// httpd shows the balancer's form for a member that it does not find.
    fn elsewhere(&self, name: &str) -> Option<&'static str> {
        let has = |kind: &str| self.fields.iter().any(|(known, _)| known.starts_with(kind));
        match (has("w_"), has("b_")) {
            (false, true) if name.starts_with("w_") => Some(
                "shows the form of the balancer where that of the member was asked for: httpd does not find the member by \
                 the name in its own link; look again, and see its error log",
            ),
            (true, false) if name.starts_with("b_") => {
                Some("shows the form of a member where that of the balancer was asked for; look again")
            }
            _ => None,
        }
    }

    /// Why this form cannot carry what is wanted; none: it can.
    pub(super) fn objection(&self, wanted: &[Wanted], version: &str) -> Option<String> {
        if !self.posted {
            return Some(format!("the page of {version} takes no posted form, so it is for looking only"));
        }
        wanted.iter().find_map(|wanted| {
            let Wanted { field, name, value, .. } = wanted;
            let Some(values) = self.values(name) else {
                let why = self.elsewhere(name).unwrap_or("has no field for it");
                return Some(format!("{field}: the page of {version} {why}"));
            };
            let is_choice = matches!(*name, "b_lbm" | "w_hm") || (*name == "w_he" && !value.is_empty());
            let known = !is_choice || values.iter().any(|choice| choice == value);
            let offered = || clean(&values.join(", "), OFFERED);
            (!known).then(|| format!("{field}: this httpd offers {}, and not {value}", offered()))
        })
    }
}

/// A body that changes these fields and no others.
pub(super) fn body(fixed: &[(&str, &str)], wanted: &[Wanted]) -> String {
    let fixed = fixed.iter().map(|(name, value)| (*name, *value));
    let fields = fixed.chain(wanted.iter().map(|wanted| (wanted.name, wanted.value.as_str())));
    let written: Vec<String> = fields.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    written.join("&")
}

/// A value for a query or a body. Later versions decode twice, so a percent sign is written so that it comes through.
pub(super) fn encoded(value: &str) -> String {
    let written = utf8_percent_encode(value, PLAIN).to_string();
    if value.contains('%') { written.replace("%25", "%2525") } else { written }
}

fn switch(on: bool) -> (String, String) {
    (if on { "1" } else { "0" }.to_owned(), if on { "On" } else { "Off" }.to_owned())
}

/// The form's name of a flag's field.
fn flag_name(flag: Flag) -> &'static str {
    match flag {
        Flag::IgnoreErrors => "w_status_I",
        Flag::Drain => "w_status_N",
        Flag::Disabled => "w_status_D",
        Flag::Stopped => "w_status_S",
        Flag::Standby => "w_status_H",
        Flag::Spare => "w_status_R",
        _ => "w_status_C",
    }
}

/// What an edit of a member asks for.
pub(super) fn of_member(edit: &MemberEdit) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    let mut text = |field, name, value: Option<String>| {
        if let Some(value) = value {
            wanted.push(Wanted { field, name, shown: value.clone(), value });
        }
    };
    text("lbfactor", "w_lf", edit.lbfactor.map(|factor| factor.to_string()));
    text("lbset", "w_ls", edit.lbset.map(|lbset| lbset.to_string()));
    text("route", "w_wr", edit.route.as_ref().map(ToString::to_string));
    text("redirect", "w_rr", edit.redirect.as_ref().map(ToString::to_string));
    text("hcmethod", "w_hm", edit.hcmethod.map(|method| method.to_string()));
    text("hcpasses", "w_hp", edit.hcpasses.map(|count| count.get().to_string()));
    text("hcfails", "w_hf", edit.hcfails.map(|count| count.get().to_string()));
    text("hcuri", "w_hu", edit.hcuri.as_ref().map(ToString::to_string));
    text("hcexpr", "w_he", edit.hcexpr.as_ref().map(ToString::to_string));
    if let Some(interval) = edit.hcinterval {
        let (value, shown) = (interval.millis().to_string(), interval.to_string());
        wanted.push(Wanted { field: "hcinterval", name: "w_hi", value, shown });
    }
    for (flag, field) in MemberEdit::FLAGS {
        if let Some(on) = edit.flag(flag) {
            let (value, shown) = switch(on);
            wanted.push(Wanted { field, name: flag_name(flag), value, shown });
        }
    }
    wanted
}

/// What an edit of a balancer asks for.
pub(super) fn of_balancer(edit: &BalancerEdit) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    let mut put = |field, name, pair: Option<(String, String)>| {
        if let Some((value, shown)) = pair {
            wanted.push(Wanted { field, name, value, shown });
        }
    };
    let same = |text: String| (text.clone(), text);
    put("lbmethod", "b_lbm", edit.lbmethod.map(|method| same(method.to_string())));
    let sticky = edit.stickysession.as_ref().map(|sticky| match &sticky.0 {
        Some(sticky) => same(sticky.to_string()),
        None => ("-".to_owned(), String::new()),
    });
    put("stickysession", "b_ss", sticky);
    put("nofailover", "b_sforce", edit.nofailover.map(switch));
    put("timeout", "b_tmo", edit.timeout.map(|seconds| same(seconds.get().to_string())));
    put("maxattempts", "b_max", edit.maxattempts.map(|attempts| same(attempts.get().to_string())));
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_posted_and_nothing_breaks_out_of_its_value() {
        let mut edit =
            MemberEdit { drain: Some(true), lbfactor: "2.5".parse().ok(), ..MemberEdit::default() };
        edit.route = "a&w_status_D=1%".parse().ok();
        let body = body(&[("b", "app"), ("w", "http://[::1]:80/a b"), ("nonce", "1-2")], &of_member(&edit));
        assert_eq!(
            body,
            "b=app&w=http://%5B::1%5D:80/a%20b&nonce=1-2&w_lf=2.50&w_wr=a%2526w_status_D%253D1%2525&w_status_N=1"
                .replace("%2526", "%26")
                .replace("%253D", "%3D")
        );
    }

    #[test]
    fn a_form_without_the_field_or_the_choice_objects() {
        let mut form = Form::new(true);
        form.add("w_status_N", "1");
        form.add("w_hm", "NONE");
        form.add("w_hm", "GET");
        let drain = of_member(&MemberEdit { drain: Some(true), ..MemberEdit::default() });
        let stop = of_member(&MemberEdit { stopped: Some(true), ..MemberEdit::default() });
        let check = of_member(&MemberEdit { hcmethod: "TCP".parse().ok(), ..MemberEdit::default() });
        assert_eq!(form.objection(&drain, "Apache/2.4.6"), None);
        assert_eq!(
            form.objection(&stop, "Apache/2.4.6").as_deref(),
            Some("stopped: the page of Apache/2.4.6 has no field for it")
        );
        assert_eq!(
            form.objection(&check, "Apache").as_deref(),
            Some("hcmethod: this httpd offers NONE, GET, and not TCP")
        );
        let mut balancer = Form::new(true);
        balancer.add("b_lbm", "byrequests");
        let told = balancer.objection(&drain, "Apache/2.4.71").unwrap();
        assert!(told.contains("shows the form of the balancer") && !told.contains("no field"), "{told}");
        let timeout = of_balancer(&serde_json::from_str(r#"{"timeout":7}"#).unwrap());
        assert!(form.objection(&timeout, "Apache").unwrap().contains("shows the form of a member"));
        form.add("w_hm", "\u{1b}]52;c;AA\u{7}");
        let told = form.objection(&check, "Apache").unwrap();
        assert!(told.chars().all(evenkeel_protocol::clean::is_clean), "{told:?}");
        assert!(Form::new(false).objection(&drain, "Apache/2.2.34").unwrap().contains("for looking only"));
    }

    #[test]
    fn the_fields_of_a_balancer_are_those_of_its_form() {
        let edit: BalancerEdit = serde_json::from_str(
            r#"{"lbmethod":"bytraffic","stickysession":"","nofailover":true,"timeout":7,"maxattempts":2}"#,
        )
        .unwrap();
        assert_eq!(body(&[], &of_balancer(&edit)), "b_lbm=bytraffic&b_ss=-&b_sforce=1&b_tmo=7&b_max=2");
    }
}
