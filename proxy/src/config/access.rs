//! Who may come: `Require` and its sections, and Basic authentication, as they are merged over `<Proxy>` and
//! `<Location>` sections.
//!
//! Not here: passwords, and the decision about a request, which are the shell's.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use evenkeel_protocol::BalancerName;

use crate::config::Network;
use crate::config::notes::{Complaint, Notes};
use crate::config::source::Spot;
use crate::mapping::covers;

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
    /// Who it proved to be.
    pub user: Option<&'a str>,
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
    /// `local`: who comes from this machine.
    Local,
    /// `valid-user`.
    ValidUser,
    /// `user`: one of these.
    User(Vec<String>),
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

    /// Does it ask for the name of who asks?
    pub fn asks_for_name(&self) -> bool {
        match self {
            Self::Host(_) => true,
            Self::Not(rule) => rule.asks_for_name(),
            Self::Any(rules) | Self::Every(rules) => rules.iter().any(Self::asks_for_name),
            _ => false,
        }
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
    /// `<Proxy balancer://NAME>`: what is mapped to balancers whose names start so, as httpd compares them.
    Balancer(BalancerName),
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
    /// All of its `Require`.
    pub rule: Option<Rule>,
}

/// What holds for a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effective<'a> {
    /// `AuthType`.
    pub auth_type: Option<AuthType>,
    /// `AuthName`.
    pub realm: Option<&'a str>,
    /// `AuthUserFile`.
    pub users: Option<&'a PathBuf>,
    /// None: everybody may come.
    pub rule: Option<&'a Rule>,
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
            let nobody =
                Visitor { address: IpAddr::V4(Ipv4Addr::BROADCAST), local: None, name: None, user: None };
            let needs = section.rule.as_ref().is_some_and(|rule| rule.judge(&nobody) == Verdict::NeedsUser);
            let (effective, name) = match &section.reach {
                Reach::Below(path) => (self.effective(path, None), path.clone()),
                Reach::Balancer(name) => (self.effective("", Some(name)), name.url()),
                Reach::Proxied => return None,
            };
            match (effective.is_half(), needs && !effective.can_authenticate()) {
                (true, _) => Some((name, "has AuthType and no Require")),
                (false, true) => Some((name, "asks for a user, and nobody can prove to be one")),
                (false, false) => None,
            }
        })
    }

    /// What holds for a request for `path`, which goes to this balancer if to any. As in httpd `<Proxy>` sections count
    /// first and `<Location>` sections over them, each in the order of the file, and rules replace earlier rules.
    pub fn effective(&self, path: &str, balancer: Option<&BalancerName>) -> Effective<'_> {
        let proxied = self.0.iter().filter(|section| match &section.reach {
            Reach::Proxied => balancer.is_some(),
            Reach::Balancer(front) => balancer.is_some_and(|name| name.as_str().starts_with(front.as_str())),
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
            rule: section.rule.as_ref().or(before.rule),
        })
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
}

impl Access {
    /// A `<Location>` or `<Proxy>` begins.
    pub(super) fn begin(&mut self, reach: Reach) {
        self.settle();
        self.sections.push(AccessSection { reach, auth_type: None, realm: None, users: None, rule: None });
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
    pub(super) fn resolve(mut self, root: Option<&Path>) -> AccessRules {
        self.settle();
        for users in self.sections.iter_mut().filter_map(|section| section.users.as_mut()) {
            if let Some(root) = root.filter(|_| users.is_relative()) {
                *users = root.join(&users);
            }
        }
        self.sections.retain(|section| {
            section.auth_type.is_some()
                || section.realm.is_some()
                || section.users.is_some()
                || section.rule.is_some()
        });
        AccessRules(self.sections)
    }
}
