//! An edit of an httpd: only what its page lists, only the fields that change; then the page is read again, and what it
//! says now is what is told.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::refusal::Code;
use evenkeel_protocol::{Change, EditNote, Edited, EventKind, Peer, Refusal, Snapshot, Subject};

use super::form::{self, Wanted, body, encoded};
use super::order::Order;
use super::page::{Balancer, Page};
use super::proof::{Proof, following};
use super::{Look, Manager, closed, guard, record, settings};
use crate::client::Failure;

/// Characters of a text of the page, in a message.
const SHOWN: usize = 200;

/// Why a balancer with an empty nonce is for looking only.
pub(super) const LOCKED: &str = "nonce=None in its configuration lets nobody change anything";

impl Manager {
    /// Makes an edit and proves it.
    pub(super) async fn act(&self, subject: &Subject, order: Order) -> Result<Edited, Failure> {
        let Ok(_acting) = self.acting.acquire().await else { return Err(closed()) };
        let before = self.form(subject).await?;
        let Some((wanted, form)) = self.prepare(subject, &order, &before)? else {
            return Ok(edited(subject, &before, (Vec::new(), Vec::new()), false));
        };
        let fields = wanted.iter().map(|wanted| wanted.field).chain(following(&wanted)).collect();
        self.with(|state| state.record.expect(Some((subject.clone(), fields))));
        let posted = self.post(&form, &before).await;
        self.with(|state| state.record.expect(None));
        let (reply, after) = posted?;
        self.one_server_still()?;
        self.not_old(|| in_words_of(subject, &wanted), &after.page)?;
        let proof = Proof::of(subject, &wanted, (&before.snapshot, &after.snapshot));
        let lost = unkept(order.reason.as_deref());
        let told = notes(&proof.besides, &wanted).into_iter().chain(reply.note()).chain(lost).collect();
        let lasts = self.loses_nothing(subject, &proof.changes);
        let changes = (proof.changes.clone(), told);
        let edited = self.tell_of(edited(subject, &after, changes, lasts), (subject, order.reason), &after);
        let holds = |seen: &Snapshot| {
            let is_so =
                |wanted: &Wanted| settings::get(seen, subject, wanted.field).as_ref() == Some(&wanted.shown);
            wanted.iter().all(is_so)
        };
        let what = || in_words_of(subject, &wanted);
        self.agree(what, (proof.missing.is_empty(), holds)).await?;
        if proof.missing.is_empty() {
            return Ok(edited);
        }
        Err(proof.why_not((subject, &wanted), &reply, (&before, &after)))
    }

    /// Would a restart undo none of these? All of them are back to where the run began.
    pub(super) fn loses_nothing(&self, subject: &Subject, changes: &[Change]) -> bool {
        self.with(|state| changes.iter().all(|change| state.record.is_as_at_first(subject, change)))
    }

    /// Notes what was changed from here, if anything was.
    fn tell_of(&self, edited: Edited, (subject, reason): (&Subject, Option<String>), after: &Look) -> Edited {
        if !edited.changed {
            return edited;
        }
        let note = note(&edited, reason);
        let event = self.with(|state| {
            state.record.made(subject, &edited.changes);
            state.record.tell(after.snapshot.taken, EventKind::edited(subject.clone(), note))
        });
        self.news.notify_waiters();
        Edited { event: Some(event), ..edited }
    }

    /// The page with the form of the subject on it, as things are now.
    pub(super) async fn form(&self, subject: &Subject) -> Result<Look, Failure> {
        let plain = self.look().await?;
        let (balancer, w) = listed(&plain.page, subject)?;
        let mut query = format!("b={}", encoded(&balancer.b));
        if let Some(w) = w {
            query = format!("{query}&w={}", encoded(w));
        }
        if let Some(nonce) = balancer.nonce.as_deref() {
            query = format!("{query}&nonce={}", encoded(nonce));
        }
        self.look_at_form(&query, plain).await
    }

    /// The fields that really change, and the body that changes them; none: all of it holds already.
    pub(super) fn prepare(
        &self,
        subject: &Subject,
        order: &Order,
        before: &Look,
    ) -> Result<Option<(Vec<Wanted>, String)>, Failure> {
        let refused = |code, why: String| Err(Failure::Refused(Refusal::new(code, why)));
        let Look { page, snapshot, .. } = before;
        is_as_seen(subject, order.revision, snapshot)?;
        let (balancer, w) = listed(page, subject)?;
        let wanted = order.differing(subject, snapshot);
        if wanted.is_empty() {
            return Ok(None);
        }
        if let (Some(edit), Some(member)) = (&order.guarded, &subject.member) {
            let balancer = snapshot.balancer(&subject.balancer);
            if let Some(refusal) = balancer.and_then(|balancer| guard::refusal(balancer, member, edit)) {
                return Err(Failure::Refused(refusal));
            }
        }
        let Some(nonce) = balancer.nonce.as_deref() else {
            return refused(
                Code::ReadOnly,
                format!("the page of {} has no links to its forms", page.version),
            );
        };
        if nonce.is_empty() {
            return refused(Code::ReadOnly, format!("{}: {LOCKED}", named(subject)));
        }
        let Some(form) = &page.form else {
            return refused(Code::ReadOnly, no_form(page, self.http.host()));
        };
        if let Some(why) = form.objection(&wanted, &page.version) {
            let code = if why.contains("for looking only") { Code::ReadOnly } else { Code::Invalid };
            return refused(code, why);
        }
        if let Some(other) = w.and_then(|w| form.is_of_another(w)) {
            let why = format!(
                "httpd takes {} for the member {}, so nothing was sent",
                named(subject),
                clean(other, SHOWN)
            );
            return refused(Code::Ambiguous, why);
        }
        let mut fixed = vec![("b", balancer.b.as_str())];
        fixed.extend(w.map(|w| ("w", w)));
        fixed.push(("nonce", nonce));
        let form = body(&fixed, &wanted);
        if form.len() > form::LONGEST {
            let why = format!("httpd reads only {} bytes of a form: change less at once", form::LONGEST);
            return refused(Code::Invalid, why);
        }
        Ok(Some((wanted, form)))
    }
}

/// The answer to an edit that holds. `lasts`: a restart would not undo it though httpd keeps nothing.
pub(super) fn edited(
    subject: &Subject,
    look: &Look,
    (changes, mut notes): (Vec<Change>, Vec<String>),
    lasts: bool,
) -> Edited {
    let durable = lasts || look.page.persists == Some(true);
    let changed = !changes.is_empty();
    if changed && !durable {
        let how = if look.page.persists.is_some() {
            "BalancerPersist is off"
        } else {
            "this version keeps nothing"
        };
        // A flag that is off is off in most configurations, and whether in this one no page tells.
        let unless = if changes.iter().all(|change| change.after == "Off") {
            ", unless its configuration says the same"
        } else {
            ""
        };
        notes.push(format!("httpd forgets it with its next restart, also a graceful one ({how}){unless}."));
    }
    Edited {
        balancer: subject.balancer.clone(),
        member: subject.member.clone(),
        changed,
        changes,
        revision: revision(&look.snapshot, subject),
        event: None,
        durable,
        notes,
    }
}

/// What else should be known.
pub(super) fn notes(besides: &[(Subject, Change)], wanted: &[Wanted]) -> Vec<String> {
    let mut notes: Vec<String> = besides
        .iter()
        .map(|(other, Change { field, before, after })| {
            format!("{} changed at the same time, not by this: {field} {before} -> {after}.", named(other))
        })
        .collect();
    if wanted.iter().any(|wanted| wanted.field == "lbfactor") {
        notes.push(
            "The load of every member of the balancer is reset to its factor with that, as httpd does."
                .to_owned(),
        );
    }
    notes
}

/// That a reason was given in vain.
pub(super) fn unkept(reason: Option<&str>) -> Option<String> {
    reason.map(|_| "The reason is not kept: a manager page has no place for it.".to_owned())
}

/// Is the subject still as somebody saw it who knows that revision of it?
///
/// # Errors
///
/// It was changed since.
pub(super) fn is_as_seen(subject: &Subject, seen: Option<u64>, snapshot: &Snapshot) -> Result<(), Failure> {
    let now = revision(snapshot, subject);
    if seen.is_some_and(|seen| !record::is_revision(seen, now)) {
        let why = format!("{} was changed since you looked", named(subject));
        return Err(Failure::Refused(Refusal::new(Code::Stale, why)));
    }
    Ok(())
}

/// The balancer on the page, and how links name the member.
pub(super) fn listed<'a>(
    page: &'a Page,
    subject: &Subject,
) -> Result<(&'a Balancer, Option<&'a str>), Failure> {
    let refused = |code, why: String| Err(Failure::Refused(Refusal::new(code, why)));
    let Some(balancer) = page.balancer(&subject.balancer) else {
        return refused(Code::NotFound, format!("the page lists no balancer {}", subject.balancer));
    };
    let Some(name) = &subject.member else { return Ok((balancer, None)) };
    let Some(member) = balancer.members.iter().find(|member| member.name == *name) else {
        return refused(Code::NotFound, format!("the page lists no member {name} in {}", subject.balancer));
    };
    let same = balancer.members.iter().filter(|other| other.w.eq_ignore_ascii_case(&member.w)).count();
    if same > 1 {
        let why = format!(
            "{same} members of {} are {} to httpd's page, which would change one of them, and nobody could say which",
            subject.balancer,
            clean(&member.w, SHOWN)
        );
        return refused(Code::Ambiguous, why);
    }
    Ok((balancer, Some(&member.w)))
}

/// Why a page shows no form although one was asked for.
pub(super) fn no_form(page: &Page, host: &str) -> String {
    if page.server.eq_ignore_ascii_case(host) {
        return format!(
            "the page of {} shows no form: something in between drops the query or the Referer of requests",
            page.version
        );
    }
    format!(
        "httpd drops requests for its forms: it calls itself '{}', and does not take a Referer of that name from here; \
         try --host {}",
        page.server, page.server
    )
}

fn revision(snapshot: &Snapshot, subject: &Subject) -> u64 {
    let balancer = snapshot.balancer(&subject.balancer);
    let found = match &subject.member {
        None => balancer.map(|balancer| balancer.revision),
        Some(member) => balancer.and_then(|balancer| balancer.member(member)).map(|member| member.revision),
    };
    found.unwrap_or_default()
}

/// What people call a subject.
pub(super) fn named(subject: &Subject) -> String {
    match &subject.member {
        Some(member) => format!("{}/{member}", subject.balancer),
        None => subject.balancer.url(),
    }
}

/// What an edit sets: `drain=On, lbset=2`.
pub(super) fn in_words(wanted: &[Wanted]) -> String {
    let told: Vec<String> =
        wanted.iter().map(|wanted| format!("{}={}", wanted.field, wanted.shown)).collect();
    told.join(", ")
}

/// The same of whom.
fn in_words_of(subject: &Subject, wanted: &[Wanted]) -> String {
    format!("{}: {}", named(subject), in_words(wanted))
}

/// What is told of an edit that was made from here.
pub(super) fn note(edited: &Edited, reason: Option<String>) -> EditNote {
    EditNote {
        changes: edited.changes.clone(),
        revision: edited.revision,
        by: Some(me()),
        reason,
        durable: edited.durable,
        ..EditNote::default()
    }
}

/// Who asks: the user of this process.
pub(super) fn me() -> Peer {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let user = std::env::var("USER").ok().filter(|name| name.chars().all(|c| c.is_ascii_graphic()));
    let pid = i32::try_from(std::process::id()).ok();
    Peer { uid, gid, pid, user, ..Peer::default() }
}
