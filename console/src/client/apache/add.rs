//! A member added through the page of an httpd, where `growth` leaves room: its URL by the form of the balancer, then
//! what else was asked for by the form of the member itself. Both are proven by reading the page again; until the second
//! has held the member is disabled, as httpd adds it.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::refusal::Code;
use evenkeel_protocol::word::quoted;
use evenkeel_protocol::{
    BalancerName, Change, Edited, EventKind, Flag, InvalidName, MemberAddition, MemberEdit, MemberName,
    MemberSnapshot, Refusal, Snapshot, Status, Subject,
};

use super::act::{self, named};
use super::form::{self, Wanted};
use super::page::Page;
use super::reply::{Reply, UNREAD};
use super::{Look, Manager, closed, record, settings};
use crate::client::Failure;
use crate::lost::MEMBER;

/// What the form of a member can set, as a `BalancerMember` line has it, and as an edit has it.
const SETTABLE: [(&str, &str); 4] =
    [("loadfactor", "lbfactor"), ("lbset", "lbset"), ("route", "route"), ("redirect", "redirect")];

/// The schemes of members of a proxy of ours, and those of httpd besides.
const OURS: [&str; 4] = ["http", "https", "ws", "wss"];
const HTTPDS: [&str; 6] = ["ajp", "fcgi", "scgi", "uwsgi", "h2", "h2c"];

impl Manager {
    /// Adds a member.
    pub(in crate::client) async fn add_member(
        &self,
        balancer: &BalancerName,
        addition: &MemberAddition,
    ) -> Result<Edited, Failure> {
        let (subject, edit) = wanted(balancer, addition)?;
        let wanted = form::of_member(&edit);
        let mut joined = self.join(&subject, addition, &wanted).await?;
        let (true, Some(member)) = (joined.changed && !wanted.is_empty(), joined.member.clone()) else {
            return Ok(joined);
        };
        let edited = self.edit_member(balancer, &member, &edit).await.map_err(|why| half(why, &subject))?;
        joined.event = edited.event.or(joined.event);
        joined.notes.extend(edited.notes.into_iter().filter(|note| !note.starts_with("httpd forgets it")));
        joined.notes.retain(|note| *note != disabled(&subject) || edit.disabled != Some(false));
        Ok(joined)
    }

    /// Has httpd add it with nothing but its URL, and looks whether it is there.
    async fn join(
        &self,
        subject: &Subject,
        addition: &MemberAddition,
        wanted: &[Wanted],
    ) -> Result<Edited, Failure> {
        let Ok(_acting) = self.acting.acquire().await else { return Err(closed()) };
        let own = Subject { balancer: subject.balancer.clone(), member: None };
        let before = self.form(&own).await?;
        if is_listed(&before.snapshot, subject) {
            return already(subject, &before, wanted);
        }
        let form = self.joining(&own, addition, &before)?;
        self.with(|state| state.record.expect(Some((own, vec![MEMBER]))));
        let posted = self.post(&form, &before).await;
        self.with(|state| state.record.expect(None));
        let (reply, after) = posted?;
        self.one_server_still()?;
        let what = || format!("{}: that it is there", named(subject));
        self.not_old(what, &after.page)?;
        let listed = is_listed(&after.snapshot, subject);
        self.agree(what, (listed, |seen: &Snapshot| is_listed(seen, subject))).await?;
        if !listed {
            return Err(not_added(subject, &before.page, reply));
        }
        let mut joined = self.joined(subject, addition.reason.as_ref(), &after);
        let reason = addition.reason.as_ref().map(Reason::as_str);
        joined.notes.extend(reply.note().into_iter().chain(act::unkept(reason)));
        Ok(joined)
    }

    /// The body that adds it.
    pub(super) fn joining(
        &self,
        own: &Subject,
        addition: &MemberAddition,
        before: &Look,
    ) -> Result<String, Failure> {
        let refused = |code, why: String| Err(Failure::Refused(Refusal::new(code, why)));
        let Look { page, snapshot, .. } = before;
        act::is_as_seen(own, addition.revision, snapshot)?;
        let (balancer, _) = act::listed(page, own)?;
        let (Some(nonce), Some(form)) = (balancer.nonce.as_deref(), &page.form) else {
            return refused(Code::ReadOnly, act::no_form(page, self.http.host()));
        };
        if nonce.is_empty() {
            return refused(Code::ReadOnly, format!("{}: {}", named(own), act::LOCKED));
        }
        if !form.adds() {
            let room = balancer.cells.get("MaxMembers").unwrap_or("unknown");
            let why = format!(
                "httpd has no room for another member of {}: its MaxMembers are {room}; growth= in its configuration \
                 makes room",
                own.balancer.url()
            );
            return refused(Code::Invalid, why);
        }
        let url = addition.url.as_str();
        let body = form::body(
            &[("b", balancer.b.as_str()), ("nonce", nonce), ("b_wyes", "1"), ("b_nwrkr", url)],
            &[],
        );
        if body.len() > form::LONGEST {
            return refused(Code::Invalid, format!("httpd reads only {} bytes of a form", form::LONGEST));
        }
        Ok(body)
    }

    /// The answer to an addition that holds, which is told as an edit of the balancer.
    fn joined(&self, subject: &Subject, reason: Option<&Reason>, after: &Look) -> Edited {
        let own = Subject { balancer: subject.balancer.clone(), member: None };
        let changes: Vec<Change> = subject.member.iter().map(record::joining).collect();
        let mut edited = act::edited(&own, after, (changes, vec![disabled(subject)]), false);
        let note = act::note(&edited, reason.map(|reason| reason.as_str().to_owned()));
        let kind = EventKind::edited(own, note);
        edited.event = Some(self.with(|state| {
            state.record.made(subject, &edited.changes);
            state.record.tell(after.snapshot.taken, kind)
        }));
        self.news.notify_waiters();
        edited.member.clone_from(&subject.member);
        edited
    }
}

/// Whom an addition is about, and what is to be set of it once it is there.
///
/// # Errors
///
/// A parameter that the page cannot set, or a URL that is none.
pub(super) fn wanted(
    balancer: &BalancerName,
    addition: &MemberAddition,
) -> Result<(Subject, MemberEdit), Failure> {
    let invalid = |why: String| Failure::Refused(Refusal::new(Code::Invalid, why));
    let edit = settings_of(&addition.parameters).map_err(invalid)?;
    let member = newcomer(&addition.url);
    let member = member.map_err(|why| invalid(format!("'{}' {why}", clean(&addition.url, 120))))?;
    Ok((Subject { balancer: balancer.clone(), member: Some(member) }, edit))
}

/// The name of a member that is to come, checked as strictly as a proxy of ours does, for of what it refuses httpd says no
/// more than 400.
fn newcomer(url: &str) -> Result<MemberName, String> {
    let foreign = url.split_once("://").filter(|(scheme, _)| !scheme.contains('|') && !is_any(&OURS, scheme));
    let Some((scheme, rest)) = foreign else { return url.parse().map_err(|why: InvalidName| why.0) };
    if !is_any(&HTTPDS, scheme) {
        return Err(format!("has a scheme that is none of {}, {}", OURS.join(", "), HTTPDS.join(", ")));
    }
    // Host, port and length are the same with any scheme.
    let checked = format!("http://{rest}").parse::<MemberName>();
    checked.and_then(|_| MemberName::as_shown(url)).map_err(|why| why.0)
}

fn is_any(schemes: &[&str], scheme: &str) -> bool {
    schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme))
}

/// What adds a member as it is now, as far as the page can set that.
pub(super) fn line_of(member: &MemberSnapshot) -> String {
    let set = settings::of_member(member);
    let value = |field: &str| set.iter().find(|(known, _)| *known == field).map(|(_, value)| value.as_str());
    let parameters = SETTABLE.iter().filter_map(|(key, field)| {
        value(field).filter(|value| !value.is_empty()).map(|value| format!("{key}={value}"))
    });
    let flags = MemberEdit::FLAGS.into_iter().filter_map(|(flag, _)| {
        let sign = match (flag, member.status.has(flag)) {
            // It is found by httpd itself.
            (Flag::HealthFail, _) => return None,
            (Flag::Disabled, false) => '-',
            (_, true) => '+',
            (_, false) => return None,
        };
        Some(format!("{sign}{}", flag.letter()))
    });
    let status = format!("status={}", flags.collect::<String>());
    let words = std::iter::once(member.name.to_string()).chain(parameters).chain([status]);
    words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ")
}

/// What is said of one that is not to take requests at once.
pub(super) fn disabled(subject: &Subject) -> String {
    format!("It starts disabled and serves nobody: evenkeel enable {} lets it in.", named(subject))
}

/// The parameters as an edit of the member that httpd has added.
fn settings_of(parameters: &[String]) -> Result<MemberEdit, String> {
    let mut edit = MemberEdit::default();
    for parameter in parameters {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let wrong = |why: String| format!("{key}: {why}");
        if key.eq_ignore_ascii_case("status") {
            let disabled = Status::INITIALISED.with(Flag::Disabled, true);
            let status = disabled.apply(value).map_err(wrong)?;
            for (flag, _) in MemberEdit::FLAGS {
                if status.has(flag) != disabled.has(flag) {
                    edit = edit.with_flag(flag, status.has(flag));
                }
            }
            continue;
        }
        let Some((_, field)) = SETTABLE.iter().find(|(known, _)| key.eq_ignore_ascii_case(known)) else {
            let known = SETTABLE.map(|(known, _)| known).join(", ");
            return Err(wrong(format!("httpd's page sets only {known} and status of a new member")));
        };
        edit.set(field, value).map_err(wrong)?;
    }
    Ok(edit)
}

pub(super) fn is_listed(seen: &Snapshot, Subject { balancer, member }: &Subject) -> bool {
    member.as_ref().is_some_and(|member| seen.member(balancer, member).is_some())
}

/// It is there before anything was done: fine, if it is as it was asked for.
pub(super) fn already(subject: &Subject, look: &Look, wanted: &[Wanted]) -> Result<Edited, Failure> {
    let differs = |wanted: &&Wanted| {
        settings::get(&look.snapshot, subject, wanted.field).as_ref() != Some(&wanted.shown)
    };
    let differing: Vec<&str> = wanted.iter().filter(differs).map(|wanted| wanted.field).collect();
    if differing.is_empty() {
        let note =
            "The page lists it already; httpd does not tell whether its configuration does.".to_owned();
        return Ok(act::edited(subject, look, (Vec::new(), vec![note]), false));
    }
    let why = format!(
        "the page lists it already, with another {}: change that by evenkeel set {} KEY=VALUE",
        differing.join(", "),
        named(subject)
    );
    Err(Failure::Refused(Refusal::new(Code::Invalid, why)))
}

/// Why the page does not list it, by what answered.
fn not_added(subject: &Subject, page: &Page, reply: Reply) -> Failure {
    let name = named(subject);
    let refused = |code, why: String| Failure::Refused(Refusal::new(code, why));
    match reply {
        Reply::Refused(Failure::Refused(Refusal { code: Code::Invalid, .. })) => {
            refused(Code::Invalid, format!("httpd does not add {name}: {}", unfit(subject, page)))
        }
        Reply::Refused(failure) => failure,
        Reply::Unclear(why) => Failure::FateUnknown(format!(
            "unknown whether httpd has added {name}: {why}; its page does not list it so far"
        )),
        Reply::Page(shown) if is_listed(&shown.snapshot, subject) => {
            let why =
                "httpd was restarted right after it, and has forgotten it, or another server answers now";
            refused(Code::Stale, format!("{name} was added, and is there no more: {why}"))
        }
        Reply::Page(shown) if shown.has_read() => {
            let why = "httpd has read it, and its page does not list it; see its error log";
            refused(Code::Internal, format!("{name} was not added: {why}"))
        }
        Reply::Page(_) => refused(Code::Internal, format!("{name} was not added: {UNREAD}")),
    }
}

/// Why httpd answered 400: it says so of each of these.
fn unfit(subject: &Subject, page: &Page) -> String {
    let url = subject.member.as_ref().map(MemberName::as_str).unwrap_or_default();
    let listed = page.balancer(&subject.balancer).map_or(&[][..], |balancer| &balancer.members);
    let begins = |name: &str| url.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    match listed.iter().find(|member| begins(&member.w)) {
        Some(member) => format!("it begins with {}, which httpd takes for the same member", member.w),
        None => "its scheme is none that httpd proxies, the URL is none, or somebody else took the last room; see \
                 httpd's error log"
            .to_owned(),
    }
}

/// It was added, and what else was asked for does not hold.
fn half(why: Failure, subject: &Subject) -> Failure {
    let told = |why: String| {
        let name = named(subject);
        format!(
            "{name} was added and is disabled, and no more: {why}; go on with evenkeel set {name} KEY=VALUE"
        )
    };
    match why {
        Failure::Refused(refusal) => Failure::Refused(Refusal { message: told(refusal.message), ..refusal }),
        Failure::Permission(why) => Failure::Permission(told(why)),
        Failure::Unable(why) => Failure::Unable(told(why)),
        Failure::Unreachable(why)
        | Failure::Old(why)
        | Failure::Protocol(why)
        | Failure::FateUnknown(why) => Failure::FateUnknown(told(why)),
    }
}

#[cfg(test)]
mod tests;
