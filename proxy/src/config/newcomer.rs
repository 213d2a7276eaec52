//! One member of a balancer as its line says, be it a line of the file or one that was asked for at run time.
//!
//! As in httpd's manager a member that is added at run time starts disabled, and is none if its URL starts with that
//! of another.

use std::time::Duration;

use evenkeel_protocol::{Flag, MemberName, MemberSettings};

use crate::config::directive::{check_health, member_name};
use crate::config::health::Definitions;
use crate::config::lexer::Word;
use crate::config::limits;
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::apply_to_member;
use crate::config::site::MemberDraft;
use crate::config::source::Spot;
use crate::config::{BalancerConfig, Written};

/// What members get that are added at run time and do not say it themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Newcomers {
    /// `ProxyTimeout`, else `Timeout`.
    pub(super) timeout: Duration,
    /// Is that a `ProxyTimeout`?
    pub(super) inherits: bool,
    /// Templates and expressions of health checks.
    pub(super) definitions: Definitions,
}

/// A member that may join a balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newcomer {
    /// Its name.
    pub name: MemberName,
    /// Its settings, time-outs resolved.
    pub settings: MemberSettings,
    /// Its parameters as they were written.
    pub parameters: Vec<String>,
    /// What somebody should know about them, in sentences.
    pub warnings: Vec<String>,
    written: Written,
}

impl Newcomer {
    /// What a line came to; `timeout` is for members without one of their own.
    pub(super) fn of(draft: MemberDraft, timeout: Duration) -> Self {
        let MemberDraft { name, mut settings, timeout: own, inherited, health: _, written: parameters } =
            draft;
        let connection = &mut settings.connection;
        // As httpd cuts it.
        if let (Some(smax), Some(max)) = (connection.smax, connection.max) {
            connection.smax = Some(smax.min(max));
        }
        connection.timeout = own.or(inherited).unwrap_or(timeout);
        let written = Written::of(&parameters, inherited.is_some());
        Self { name, settings, parameters, warnings: Vec::new(), written }
    }
}

impl BalancerConfig {
    /// Reads a member that is to be added at run time, as its `BalancerMember` line would be read.
    ///
    /// # Errors
    ///
    /// What is wrong, as a sentence.
    pub fn newcomer(&self, url: &str, parameters: &[String]) -> Result<Newcomer, String> {
        let (mut notes, spot) = (Notes::new(false), Spot { file: 0, start: 0, end: 0 });
        let newcomers = &self.manager.newcomers;
        let word = |text: &str| Word { text: text.to_owned(), spot };
        if let Some(name) = member_name(&mut notes, &word(url)) {
            let mut settings = MemberSettings::default();
            settings.status = settings.status.with(Flag::Disabled, true);
            settings.connection.upgrade = name.default_upgrade();
            let inherited = newcomers.inherits.then_some(newcomers.timeout);
            let health = newcomers.definitions.clone();
            let written = parameters.to_vec();
            let mut draft = MemberDraft { name, settings, timeout: None, inherited, health, written };
            for parameter in parameters {
                apply_to_member(&mut draft, &word(parameter), &mut notes);
            }
            check_health(&mut notes, &draft.settings.health, spot);
            self.refuse_shared(&draft.name, &mut notes, spot);
            if !notes.failed() {
                let newcomer = Newcomer::of(draft, newcomers.timeout);
                return Ok(Newcomer { warnings: notes.told().1, ..newcomer });
            }
        }
        Err(notes.told().0.join("; "))
    }

    /// As httpd looks a member up: by the longest member that its URL starts with, at least up to host and port.
    fn refuse_shared(&self, name: &MemberName, notes: &mut Notes, spot: Spot) {
        let (url, least) = (name.url(), name.url().len() - name.path().len());
        let shares = |known: &&MemberName| known.url().len() >= least && url.starts_with(known.url());
        if let Some(known) = self.members.iter().map(|(known, _)| known).find(shares) {
            let what = if known.url() == url {
                format!("{known} is a member of {} already", self.name.url())
            } else {
                format!("its URL starts with that of the member {known}, and is taken for it, as in httpd")
            };
            notes.error(spot, Complaint::new(what, "add a member with another URL"));
        }
        if self.members.len() >= limits::MEMBERS {
            let what = format!("{} has {} members already", self.name.url(), limits::MEMBERS);
            notes.error(spot, Complaint::new(what, "spread them over several balancers"));
        }
    }

    /// One more member at run time, behind all others.
    pub fn join(&mut self, newcomer: Newcomer) {
        self.append(newcomer);
        self.manager.added += 1;
    }

    /// One more member, behind all others.
    pub(super) fn append(&mut self, newcomer: Newcomer) {
        let Newcomer { name, settings, parameters, warnings: _, written } = newcomer;
        self.members.push((name, settings));
        self.written.push(parameters);
        self.manager.members.push(written);
    }

    /// One member fewer, who joined at run time.
    pub fn part(&mut self, name: &MemberName) {
        let Some(at) = self.members.iter().position(|(known, _)| known == name) else { return };
        self.members.remove(at);
        self.manager.added = self.manager.added.saturating_sub(1);
        // The lists are as long as one another, and nothing here may end the process.
        if at < self.written.len() {
            self.written.remove(at);
        }
        if at < self.manager.members.len() {
            self.manager.members.remove(at);
        }
    }
}
