//! Who may come: `Require` and its sections, and Basic authentication, as they are merged over `<Proxy>` and
//! `<Location>` sections.
//!
//! Not here: passwords, and the decision about a request, which are the shell's.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use evenkeel_protocol::BalancerName;

use crate::config::Network;
use crate::config::notes::{Complaint, Notes};
use crate::config::source::Spot;
use crate::mapping::covers;

mod words;

/// What a rule comes to. httpd's `authz_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It grants.
    Granted,
    /// It denies, whoever the user is.
    Denied,
    /// It denies, and may grant to somebody who proves to be a user.
    NeedsUser,
    /// It says nothing.
    Neutral,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Visitor<'a> {
    /// The address of the client.
    pub address: IpAddr,
    /// The address of ours that it came to.
    pub local: Option<IpAddr>,
    /// The name of its address, if that name is the address's.
    pub name: Option<&'a str>,
    /// Names of `Require forward-dns` that lead to the address.
    pub forward: &'a [String],
    /// The method of the request.
    pub method: &'a [u8],
    /// Who it proved to be.
    pub user: Option<&'a str>,
    /// The groups of that user.
    pub groups: &'a [String],
}

/// One `Require`, or a section of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// `all granted` or `all denied`.
    All(bool),
    /// `ip`: addresses and networks.
    Ip(Vec<Network>),
    /// `host`: these names, and all below them.
    Host(Vec<String>),
    /// `forward-dns`: the addresses of these names.
    ForwardDns(Vec<String>),
    /// `local`: who comes from this machine.
    Local,
    /// `method`: requests with one of these.
    Method(Vec<String>),
    /// `valid-user`.
    ValidUser,
    /// `user`: one of these.
    User(Vec<String>),
    /// `group`: who is in one of these.
    Group(Vec<String>),
    /// `not`, and `<RequireNone>` around [`Rule::Any`].
    Not(Box<Self>),
    /// `<RequireAny>`, and lines without a section.
    Any(Vec<Self>),
    /// `<RequireAll>`.
    Every(Vec<Self>),
}

impl Rule {
    /// What it says of who asks (httpd: `apply_authz_sections`).
    pub fn judge(&self, visitor: &Visitor<'_>) -> Verdict {
        let granted = |yes: bool| if yes { Verdict::Granted } else { Verdict::Denied };
        match self {
            Self::All(yes) => granted(*yes),
            Self::Ip(networks) => granted(networks.iter().any(|network| network.contains(visitor.address))),
            Self::Host(names) => {
                granted(visitor.name.is_some_and(|name| names.iter().any(|domain| is_within(name, domain))))
            }
            Self::Local => {
                let address = visitor.address.to_canonical();
                granted(
                    address.is_loopback()
                        || visitor.local.is_some_and(|local| local.to_canonical() == address),
                )
            }
            Self::ForwardDns(names) => granted(names.iter().any(|name| visitor.forward.contains(name))),
            Self::Method(methods) => {
                // As in httpd GET and HEAD are one.
                fn as_one(method: &[u8]) -> &[u8] {
                    if method == b"HEAD" { b"GET" } else { method }
                }
                let asked = as_one(visitor.method);
                granted(methods.iter().any(|method| as_one(method.as_bytes()) == asked))
            }
            Self::Group(groups) => visitor.user.map_or(Verdict::NeedsUser, |_| {
                // As in httpd in letters of any size.
                let is_in = |group: &String| visitor.groups.iter().any(|own| own.eq_ignore_ascii_case(group));
                granted(groups.iter().any(is_in))
            }),
            Self::ValidUser => visitor.user.map_or(Verdict::NeedsUser, |_| Verdict::Granted),
            Self::User(names) => {
                visitor.user.map_or(Verdict::NeedsUser, |user| granted(names.iter().any(|name| name == user)))
            }
            Self::Not(rule) => match rule.judge(visitor) {
                Verdict::Granted => Verdict::Denied,
                _ => Verdict::Neutral,
            },
            Self::Any(rules) => Self::together(rules, visitor, (Verdict::Granted, Verdict::Denied)),
            Self::Every(rules) => Self::together(rules, visitor, (Verdict::Denied, Verdict::Granted)),
        }
    }

    /// The first that `decides` counts; else who needs a user goes before `weaker`.
    fn together(rules: &[Self], visitor: &Visitor<'_>, (decides, weaker): (Verdict, Verdict)) -> Verdict {
        let mut outcome = Verdict::Neutral;
        for verdict in rules.iter().map(|rule| rule.judge(visitor)) {
            if verdict == decides {
                return verdict;
            }
            if outcome == Verdict::Neutral || (outcome == weaker && verdict == Verdict::NeedsUser) {
                outcome = verdict;
            }
        }
        outcome
    }

    /// All rules in it, itself included, in no order that means anything.
    pub fn parts(&self) -> Vec<&Self> {
        let mut parts = vec![self];
        let mut at = 0;
        while let Some(rule) = parts.get(at).copied() {
            match rule {
                Self::Not(rule) => parts.push(rule),
                Self::Any(rules) | Self::Every(rules) => parts.extend(rules),
                _ => {}
            }
            at += 1;
        }
        parts
    }

    /// Does it ask for the name of who asks?
    pub fn asks_for_name(&self) -> bool {
        self.parts().iter().any(|part| matches!(part, Self::Host(_)))
    }

    /// Does it ask for the groups of a user?
    pub fn asks_for_groups(&self) -> bool {
        self.parts().iter().any(|part| matches!(part, Self::Group(_)))
    }

    /// The names whose addresses it asks for.
    pub fn forward_names(&self) -> Vec<&str> {
        let named = self.parts().into_iter().filter_map(|part| match part {
            Self::ForwardDns(names) => Some(names),
            _ => None,
        });
        named.flatten().map(String::as_str).collect()
    }

    /// Does it only ever deny?
    fn is_negative(&self) -> bool {
        matches!(self, Self::Not(_))
    }
}

/// Is it that name, or one below it? As in httpd a domain may start with its dot.
fn is_within(name: &str, domain: &str) -> bool {
    let Some(at) = name.len().checked_sub(domain.len()) else { return false };
    let (front, end) = name.split_at_checked(at).unwrap_or_default();
    end.eq_ignore_ascii_case(domain) && (front.is_empty() || front.ends_with('.') || domain.starts_with('.'))
}

/// Which requests a section is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// `<Location>`: this path and all below it.
    Below(String),
    /// `<Proxy balancer://NAME>`: what is mapped to balancers whose names start so, as httpd compares them; with a slash
    /// behind the name what is mapped to that one alone.
    Balancer {
        /// The name.
        name: BalancerName,
        /// Is there a slash behind it?
        whole: bool,
    },
    /// `<Proxy *>`: what is mapped to any balancer.
    Proxied,
}

/// `AuthType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthType {
    /// Nobody can prove to be anybody.
    None,
    /// By a password, with each request.
    Basic,
}

/// What one section says; what it does not say is as in the sections before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessSection {
    /// What it is about.
    pub reach: Reach,
    /// `AuthType`.
    pub auth_type: Option<AuthType>,
    /// `AuthName`.
    pub realm: Option<String>,
    /// `AuthUserFile`.
    pub users: Option<PathBuf>,
    /// `AuthGroupFile`.
    pub groups: Option<PathBuf>,
    /// `AuthMerging`.
    pub merging: Option<Merging>,
    /// All of its `Require`.
    pub rule: Option<Rule>,
}

impl AccessSection {
    fn says_something(&self) -> bool {
        self.auth_type.is_some()
            || self.realm.is_some()
            || self.users.is_some()
            || self.groups.is_some()
            || self.merging.is_some()
            || self.rule.is_some()
    }
}

/// `AuthMerging`: what becomes of the rules of the sections before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merging {
    /// They are replaced, by nothing if there is nothing.
    Off,
    /// They and those of the section must grant.
    And,
    /// They or those of the section must grant.
    Or,
}

/// What holds for a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effective<'a> {
    /// `AuthType`.
    pub auth_type: Option<AuthType>,
    /// `AuthName`.
    pub realm: Option<&'a str>,
    /// `AuthUserFile`.
    pub users: Option<&'a PathBuf>,
    /// `AuthGroupFile`.
    pub groups: Option<&'a PathBuf>,
    /// None: everybody may come.
    pub rule: Option<Cow<'a, Rule>>,
}

impl Effective<'_> {
    /// Does it let everybody come?
    pub fn is_open(&self) -> bool {
        self.rule.is_none() && !self.is_half()
    }

    /// Does it ask who comes, and not say who may? httpd answers that with 500.
    pub fn is_half(&self) -> bool {
        self.rule.is_none() && self.auth_type == Some(AuthType::Basic)
    }

    /// Can somebody prove to be a user?
    pub fn can_authenticate(&self) -> bool {
        self.auth_type == Some(AuthType::Basic) && self.realm.is_some() && self.users.is_some()
    }
}

/// All sections that say something, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessRules(Vec<AccessSection>);

impl AccessRules {
    /// May everybody go everywhere?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sections whose requests all get 500, and why, in words.
    pub(super) fn incomplete(&self) -> impl Iterator<Item = (String, &'static str)> {
        self.0.iter().filter_map(|section| {
            let nobody = Visitor {
                address: IpAddr::V4(Ipv4Addr::BROADCAST),
                local: None,
                name: None,
                forward: &[],
                method: b"",
                user: None,
                groups: &[],
            };
            let needs = section.rule.as_ref().is_some_and(|rule| rule.judge(&nobody) == Verdict::NeedsUser);
            let (effective, name) = match &section.reach {
                Reach::Below(path) => (self.effective(path, None), path.clone()),
                Reach::Balancer { name, .. } => (self.effective("", Some(name)), name.url()),
                Reach::Proxied => return None,
            };
            match (effective.is_half(), needs && !effective.can_authenticate()) {
                (true, _) => Some((name, "has AuthType and no Require")),
                (false, true) => Some((name, "asks for a user, and nobody can prove to be one")),
                (false, false) => None,
            }
        })
    }

    /// Does any `<Location>` say something of its own about what is at or below these paths?
    pub fn differ_below(&self, paths: &[String]) -> bool {
        self.0.iter().any(|section| match &section.reach {
            Reach::Below(prefix) => paths.iter().any(|path| covers(prefix, path) || covers(path, prefix)),
            _ => false,
        })
    }

    /// What holds for a request for `path`, which goes to this balancer if to any. As in httpd `<Proxy>` sections count
    /// first and `<Location>` sections over them, each in the order of the file, and rules replace earlier rules.
    pub fn effective(&self, path: &str, balancer: Option<&BalancerName>) -> Effective<'_> {
        let proxied = self.0.iter().filter(|section| match &section.reach {
            Reach::Proxied => balancer.is_some(),
            Reach::Balancer { name, whole: true } => balancer == Some(name),
            Reach::Balancer { name: front, whole: false } => {
                balancer.is_some_and(|name| name.as_str().starts_with(front.as_str()))
            }
            Reach::Below(_) => false,
        });
        let located = self.0.iter().filter(|section| match &section.reach {
            Reach::Below(prefix) => covers(prefix, path),
            _ => false,
        });
        proxied.chain(located).fold(Effective::default(), |before, section| Effective {
            auth_type: section.auth_type.or(before.auth_type),
            realm: section.realm.as_deref().or(before.realm),
            users: section.users.as_ref().or(before.users),
            groups: section.groups.as_ref().or(before.groups),
            rule: merged(before.rule, section),
        })
    }
}

/// The rules of a section over those of the sections before it (httpd: `merge_authz_core_dir_config`).
fn merged<'a>(before: Option<Cow<'a, Rule>>, section: &'a AccessSection) -> Option<Cow<'a, Rule>> {
    let own = section.rule.as_ref().map(Cow::Borrowed);
    match (section.merging, before, own) {
        (None, before, None) => before,
        (None | Some(Merging::Off), _, own) => own,
        (Some(Merging::And), Some(before), Some(own)) => {
            Some(Cow::Owned(Rule::Every(vec![before.into_owned(), own.into_owned()])))
        }
        (Some(Merging::Or), Some(before), Some(own)) => {
            Some(Cow::Owned(Rule::Any(vec![before.into_owned(), own.into_owned()])))
        }
        (Some(_), before, own) => own.or(before),
    }
}

/// How the lines of an open section of rules count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Together {
    Any,
    Every,
    Nobody,
}

impl Together {
    /// The section of that name.
    pub(super) fn of(name: &str) -> Option<Self> {
        let kinds = [Self::Any, Self::Every, Self::Nobody];
        kinds.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Any => "RequireAny",
            Self::Every => "RequireAll",
            Self::Nobody => "RequireNone",
        }
    }

    fn rule(self, rules: Vec<Rule>) -> Rule {
        match self {
            Self::Any => Rule::Any(rules),
            Self::Every => Rule::Every(rules),
            Self::Nobody => Rule::Not(Box::new(Rule::Any(rules))),
        }
    }
}

/// What was written, while reading.
#[derive(Default)]
pub(super) struct Access {
    sections: Vec<AccessSection>,
    /// `Require` lines of the last section that stand in no section of their own.
    rules: Vec<Rule>,
    /// Sections of rules that are open.
    open: Vec<(Together, Vec<Rule>, Spot)>,
    /// Sections by their number that are about a part of a balancer.
    parts: Vec<(usize, Spot)>,
}

impl Access {
    /// A `<Location>` or `<Proxy>` begins.
    pub(super) fn begin(&mut self, reach: Reach) {
        self.settle();
        self.sections.push(AccessSection {
            reach,
            auth_type: None,
            realm: None,
            users: None,
            groups: None,
            merging: None,
            rule: None,
        });
    }

    /// The section that has just begun has a path behind the name of its balancer.
    pub(super) fn is_about_a_part(&mut self, spot: Spot) {
        self.parts.push((self.sections.len().saturating_sub(1), spot));
    }

    /// The section that is open.
    pub(super) fn section(&mut self) -> Option<&mut AccessSection> {
        self.sections.last_mut()
    }

    /// A section of rules begins.
    pub(super) fn open(&mut self, together: Together, spot: Spot) {
        self.open.push((together, Vec::new(), spot));
    }

    /// The last one ends.
    pub(super) fn close(&mut self, notes: &mut Notes) {
        let Some((together, rules, spot)) = self.open.pop() else { return };
        let name = together.name();
        if rules.is_empty() {
            let what = format!("<{name}> has no Require, which httpd refuses");
            return notes.error(spot, Complaint::new(what, "remove it, or write a Require"));
        }
        if together == Together::Every && rules.iter().all(Rule::is_negative) {
            let what = "<RequireAll> has nothing that grants, which httpd refuses";
            return notes.error(spot, Complaint::new(what, "add Require all granted"));
        }
        self.add(together.rule(rules), spot, notes);
    }

    /// A rule stands here.
    pub(super) fn add(&mut self, rule: Rule, spot: Spot, notes: &mut Notes) {
        let around = self.open.last().map_or(Together::Any, |(together, ..)| *together);
        if rule.is_negative() && around != Together::Every {
            let what = format!("what only denies has no effect in <{}>, and httpd refuses it", around.name());
            return notes.error(spot, Complaint::new(what, "put it into a <RequireAll> with what grants"));
        }
        match self.open.last_mut() {
            Some((_, rules, _)) => rules.push(rule),
            None => self.rules.push(rule),
        }
    }

    /// The lines of the section before belong to it.
    fn settle(&mut self) {
        let rules = std::mem::take(&mut self.rules);
        if let Some(section) = self.sections.last_mut().filter(|_| !rules.is_empty()) {
            section.rule = Some(Rule::Any(rules));
        }
    }

    /// What shall run; relative files are found from `root`.
    pub(super) fn resolve(mut self, root: Option<&Path>, notes: &mut Notes) -> AccessRules {
        self.settle();
        for (section, spot) in &self.parts {
            // What it grants would be granted for all of the balancer.
            if self.sections.get(*section).is_some_and(AccessSection::says_something) {
                let what = "rules for a part of a balancer are not supported";
                notes.error(
                    *spot,
                    Complaint::new(what, "write them into a <Location> with the path of that part"),
                );
            }
        }
        let files = self.sections.iter_mut().flat_map(|it| [it.users.as_mut(), it.groups.as_mut()]);
        for file in files.flatten() {
            if let Some(root) = root.filter(|_| file.is_relative()) {
                *file = root.join(&file);
            }
        }
        self.sections.retain(AccessSection::says_something);
        AccessRules(self.sections)
    }
}
