//! Directives about health checks.

use std::sync::Arc;

use evenkeel_protocol::{MemberName, MemberSettings};

use crate::config::condition::{Condition, Fault};
use crate::config::directive::server::value;
use crate::config::directive::{Call, Directive, EVERYWHERE, Effect, SERVER};
use crate::config::health::{new_name, of_template};
use crate::config::lexer::Word;
use crate::config::limits;
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::{Whole, shown};
use crate::config::parameter::{self, apply_to_member};
use crate::config::site::{MemberDraft, Site};
use crate::config::source::Spot;

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[
    Directive {
        name: "ProxyHCExpr",
        contexts: EVERYWHERE,
        usage: "NAME {EXPRESSION}",
        arguments: 2..=2,
        about: "Names a condition on the answer to a health check, for hcexpr below it: comparisons of \
                %{REQUEST_STATUS}, %{CONTENT_TYPE}, %{resp:FIELD}, hc('body') and texts, joined by &&, || and !.",
        effect: Effect::ApplyBraced(expression),
    },
    Directive {
        name: "ProxyHCTemplate",
        contexts: EVERYWHERE,
        usage: "NAME KEY=VALUE …",
        arguments: 1..=16,
        about: "Names values of hc parameters, for hctemplate below it; its method is TCP unless it says otherwise.",
        effect: Effect::Apply(template),
    },
    Directive {
        name: "ProxyHCTPsize",
        contexts: SERVER,
        usage: "NUMBER",
        arguments: 1..=1,
        about: "How many health checks may be on their way at once; 0 is as 1, by default 16.",
        effect: Effect::Apply(at_once),
    },
];

fn name(notes: &mut Notes, call: &Call<'_>) -> Option<String> {
    new_name(call.text(0)).map_err(|why| notes.error(call.word_spot(0), why)).ok()
}

fn full(notes: &mut Notes, spot: Spot, count: usize) -> bool {
    let full = count >= limits::DEFINITIONS;
    if full {
        let what = format!("there are more than {} of these definitions", limits::DEFINITIONS);
        notes.error(spot, Complaint::new(what, "remove those that are not used"));
    }
    full
}

fn expression(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let (Some(name), Some(word)) = (name(notes, call), call.words.get(1)) else { return };
    if word.text.trim().is_empty() {
        let remedy = "write for example {%{REQUEST_STATUS} =~ /^[234]/}";
        return notes.error(word.spot, Complaint::new("the expression is empty", remedy));
    }
    let known = &site.health.checks;
    if known.expression(&name).is_some() {
        let what =
            format!("'{name}' was defined above already; this one counts for all members, as in httpd");
        notes.warn(call.word_spot(0), Complaint::new(what, "give each expression a name of its own"));
    } else if full(notes, call.spot, known.names().count()) {
        return;
    }
    match Condition::read(&word.text) {
        Ok(condition) => Arc::make_mut(&mut site.health.checks).define(call.text(0), (&word.text, condition)),
        Err(Fault { at, what, remedy }) => {
            notes.error(within(word, at.start, at.end), Complaint::new(what, remedy));
        }
    }
}

/// The place of a part of a word's text, if the word stands in the file as it is, in quotes or braces or without.
fn within(word: &Word, start: usize, end: usize) -> Spot {
    let Spot { file, start: from, end: to } = word.spot;
    let around = (to - from).saturating_sub(word.text.len());
    if around != 0 && around != 2 {
        return word.spot;
    }
    let from = from + around / 2;
    Spot { file, start: from + start, end: from + end.max(start) }
}

fn template(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let Some(name) = name(notes, call) else { return };
    if !site.health.templates.contains_key(&name) && full(notes, call.spot, site.health.templates.len()) {
        return;
    }
    // The parameters are those of a member, so that one table reads both.
    let Ok(nobody) = "http://template".parse::<MemberName>() else { return };
    let settings = MemberSettings { health: of_template(), ..MemberSettings::default() };
    let health = site.health.clone();
    let written = Vec::new();
    let mut draft = MemberDraft { name: nobody, settings, timeout: None, inherited: None, health, written };
    for word in call.words.iter().skip(1) {
        let is_foreign = parameter::split(word).is_some_and(|(key, _)| !is_of_health(key));
        if is_foreign {
            let what = format!("'{}' is no parameter of health checks", shown(&word.text));
            notes.error(word.spot, Complaint::new(what, "write it on the BalancerMember line"));
        } else {
            apply_to_member(&mut draft, word, notes);
        }
    }
    Arc::make_mut(&mut site.health.templates).insert(name, draft.settings.health);
}

fn is_of_health(key: &str) -> bool {
    key.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("hc"))
}

fn at_once(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let Some(number) = value(notes, call, |text, remarks| Whole::from(0, "").read(text, remarks)) else {
        return;
    };
    let wanted = usize::try_from(number).unwrap_or(usize::MAX);
    if wanted > limits::CHECKS_AT_ONCE {
        let what = format!("no more than {} checks are on their way at once", limits::CHECKS_AT_ONCE);
        notes.warn(call.word_spot(0), Complaint::new(what, format!("write {}", limits::CHECKS_AT_ONCE)));
    }
    Arc::make_mut(&mut site.health.checks).at_once = wanted.clamp(1, limits::CHECKS_AT_ONCE);
}
