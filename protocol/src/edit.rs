//! A change that an operator asks for, and the answer.
//!
//! Only the fields that are present change. Reading is strict: unknown and repeated fields, `null` and values out
//! of range are refused with a message that starts with the name of the field.

use std::fmt;
use std::net::IpAddr;

use serde::de;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clean::clean;
use crate::health::{CheckCount, CheckInterval, CheckMethod, CheckUri, ExpressionName};
use crate::lbmethod::LbMethod;
use crate::name::{BalancerName, MemberName, Route};
use crate::settings::{Factor, Lbset, StickySession};
use crate::status::Flag;

mod text;

/// Why an edit was made, in the operator's words: one line, at most [`Reason::LONGEST`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Reason(String);

impl Reason {
    /// The longest reason, in characters.
    pub const LONGEST: usize = 200;

    /// Cleans and cuts `text`, so that any text is a reason.
    pub fn new(text: &str) -> Self {
        Self(clean(text, Self::LONGEST))
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.chars().count() > Self::LONGEST {
            return Err(de::Error::custom(format_args!("must be at most {} characters", Self::LONGEST)));
        }
        if let Some(c) = text.chars().find(|c| !crate::clean::is_clean(*c)) {
            return Err(de::Error::custom(format_args!(
                "contains the control character U+{:04X}",
                u32::from(c)
            )));
        }
        Ok(Self(text))
    }
}

/// `stickysession` in an edit: a name pair, or an empty text to end stickiness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StickyEdit(pub Option<StickySession>);

impl Serialize for StickyEdit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(sticky) => sticky.serialize(serializer),
            None => serializer.serialize_str(""),
        }
    }
}

impl<'de> Deserialize<'de> for StickyEdit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self(None));
        }
        text.parse().map(|sticky| Self(Some(sticky))).map_err(de::Error::custom)
    }
}

/// A whole number from 0 to `MOST`, for fields that httpd's manager bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct UpTo<const MOST: u32>(u32);

impl<const MOST: u32> UpTo<MOST> {
    /// None above `MOST`.
    pub fn new(number: u32) -> Option<Self> {
        (number <= MOST).then_some(Self(number))
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<'de, const MOST: u32> Deserialize<'de> for UpTo<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer)
            .ok()
            .and_then(Self::new)
            .ok_or_else(|| de::Error::custom(format_args!("must be a whole number from 0 to {MOST}")))
    }
}

/// What a value of a field must be, for the complaint about one of the wrong kind.
pub(crate) trait Rule {
    const RULE: &str;
}

impl Rule for bool {
    const RULE: &str = "must be true or false";
}

impl Rule for u64 {
    const RULE: &str = "must be a whole number";
}

impl Rule for Factor {
    const RULE: &str = Self::RULE;
}

impl Rule for Lbset {
    const RULE: &str = Self::RULE;
}

impl Rule for Route {
    const RULE: &str = "must be a text, such as \"node1\", or \"\" for none";
}

impl Rule for Reason {
    const RULE: &str = "must be a text";
}

impl Rule for LbMethod {
    const RULE: &str = Self::RULE;
}

impl Rule for CheckMethod {
    const RULE: &str = Self::RULE;
}

impl Rule for CheckInterval {
    const RULE: &str = "must be a whole number of milliseconds, at least 100";
}

impl Rule for CheckCount {
    const RULE: &str = Self::RULE;
}

impl Rule for CheckUri {
    const RULE: &str = "must be a text, such as \"/health\", or \"\" for none";
}

impl Rule for ExpressionName {
    const RULE: &str = "must be the name of a ProxyHCExpr, or \"\" for none";
}

impl Rule for StickyEdit {
    const RULE: &str = "must be a text, such as \"JSESSIONID|jsessionid\", or \"\" for none";
}

impl<const MOST: u32> Rule for UpTo<MOST> {
    // Its reader has a rule with the number in it.
    const RULE: &str = "must be a whole number";
}

/// A complaint of a value's reader; those of the JSON library about kinds and ranges are said in our words.
pub(crate) fn complaint<T: Rule>(why: &impl fmt::Display) -> String {
    let why = why.to_string();
    let foreign =
        ["invalid type", "invalid value", "unknown variant", "number out of range", "invalid number"];
    if foreign.iter().any(|words| why.starts_with(words)) { T::RULE.to_owned() } else { why }
}

/// Declares a struct of optional fields whose reader names the field in every complaint.
macro_rules! edit {
    (
        $(#[$about:meta])*
        $name:ident { $( $(#[$field_about:meta])* $field:ident : $type:ty, )* }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
        pub struct $name {
            $( $(#[$field_about])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>, )*
        }

        impl $name {
            /// The names of the fields, in the order of their declaration.
            pub const FIELDS: &[&str] = &[$(stringify!($field)),*];
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;

                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(f, "an object with some of the fields {}", $name::FIELDS.join(", "))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut edit = $name::default();
                        while let Some(key) = map.next_key::<String>()? {
                            match key.as_str() {
                                $( stringify!($field) => {
                                    if edit.$field.is_some() {
                                        return Err(serde::de::Error::custom(concat!(stringify!($field), ": stands there twice")));
                                    }
                                    let value = map.next_value::<$type>().map_err(|why| {
                                        let why = $crate::edit::complaint::<$type>(&why);
                                        serde::de::Error::custom(format_args!("{}: {why}", stringify!($field)))
                                    })?;
                                    edit.$field = Some(value);
                                } )*
                                other => {
                                    return Err(serde::de::Error::custom(format_args!(
                                        "{}: is no field of this edit; those are {}",
                                        $crate::clean::clean(other, 40),
                                        $name::FIELDS.join(", "),
                                    )));
                                }
                            }
                        }
                        Ok(edit)
                    }
                }

                deserializer.deserialize_map(Fields)
            }
        }
    };
}

pub(crate) use edit;

edit! {
    /// A change of one member.
    MemberEdit {
        /// Its share. A changed one sets the load of every member of the balancer to its factor, as httpd does.
        lbfactor: Factor,
        /// Its set.
        lbset: Lbset,
        /// Its route; empty: none.
        route: Route,
        /// The route that its sessions take while it is unusable; empty: none.
        redirect: Route,
        /// I: never put it into error.
        ignore_errors: bool,
        /// N: serve only requests that carry its route.
        drain: bool,
        /// D: serve nobody.
        disabled: bool,
        /// S: serve nobody, and do not retry or check it.
        stopped: bool,
        /// H: hot standby.
        standby: bool,
        /// R: hot spare.
        spare: bool,
        /// C: failed its health check. The next checks decide anew, and a restart forgets it.
        health_fail: bool,
        /// What is done to check it.
        hcmethod: CheckMethod,
        /// Milliseconds from the end of a check to the next one, at least 100.
        hcinterval: CheckInterval,
        /// How many passes in a row make it well again.
        hcpasses: CheckCount,
        /// How many fails in a row make it fail.
        hcfails: CheckCount,
        /// What a check asks for; empty: the path of its URL alone.
        hcuri: CheckUri,
        /// The `ProxyHCExpr` that decides; empty: none, the status does.
        hcexpr: ExpressionName,
        /// Do it only if the member still has this revision.
        revision: u64,
        /// Do it even where a guard would refuse it?
        force: bool,
        /// Why, for the log of events.
        reason: Reason,
    }
}

impl MemberEdit {
    /// The flags that an operator can set, with the field of each, in Apache's word order.
    pub const FLAGS: [(Flag, &'static str); 7] = [
        (Flag::IgnoreErrors, "ignore_errors"),
        (Flag::Drain, "drain"),
        (Flag::Disabled, "disabled"),
        (Flag::Stopped, "stopped"),
        (Flag::Standby, "standby"),
        (Flag::Spare, "spare"),
        (Flag::HealthFail, "health_fail"),
    ];

    /// The field of a flag that says how a member was found, not what an operator wants: it is never kept over a
    /// restart.
    pub const TRANSIENT: &'static str = "health_fail";

    /// What the edit says of `flag`; nothing for flags that no operator sets.
    pub fn flag(&self, flag: Flag) -> Option<bool> {
        match flag {
            Flag::IgnoreErrors => self.ignore_errors,
            Flag::Drain => self.drain,
            Flag::Disabled => self.disabled,
            Flag::Stopped => self.stopped,
            Flag::Standby => self.standby,
            Flag::Spare => self.spare,
            Flag::HealthFail => self.health_fail,
            _ => None,
        }
    }

    /// The same edit, with `flag` set or cleared; other than the operator's flags are left out.
    #[must_use]
    pub fn with_flag(mut self, flag: Flag, on: bool) -> Self {
        match flag {
            Flag::IgnoreErrors => self.ignore_errors = Some(on),
            Flag::Drain => self.drain = Some(on),
            Flag::Disabled => self.disabled = Some(on),
            Flag::Stopped => self.stopped = Some(on),
            Flag::Standby => self.standby = Some(on),
            Flag::Spare => self.spare = Some(on),
            Flag::HealthFail => self.health_fail = Some(on),
            _ => {}
        }
        self
    }
}

edit! {
    /// A change of a balancer's own settings.
    BalancerEdit {
        /// How to choose. A changed one resets what the new method compares, as httpd does.
        lbmethod: LbMethod,
        /// Where a session's route is found; empty: not sticky.
        stickysession: StickyEdit,
        /// Refuse sessions whose member is unusable?
        nofailover: bool,
        /// Seconds to wait for a usable member, 0 to 7200.
        timeout: UpTo<7200>,
        /// Failovers after the first try, 0 to 99.
        maxattempts: UpTo<99>,
        /// Do it only if the balancer still has this revision.
        revision: u64,
        /// Do it even where a guard would refuse it?
        force: bool,
        /// Why, for the log of events.
        reason: Reason,
    }
}

/// One field that an edit changed. Values are texts as Apache writes them (`2.00`, `On`, `node1`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The name of the field in the edit.
    pub field: String,
    /// Its value before.
    pub before: String,
    /// Its value now.
    pub after: String,
}

impl Change {
    /// Its values before and now as people read them.
    pub fn shown(&self) -> [String; 2] {
        [&self.before, &self.after].map(|value| shown(&self.field, value))
    }
}

/// The value of a setting as people read and write it: an interval in the unit that is whole.
pub fn shown(field: &str, value: &str) -> String {
    let interval = Some(value).filter(|_| field == "hcinterval");
    let interval = interval.and_then(|value| value.parse::<CheckInterval>().ok());
    interval.map_or_else(|| value.to_owned(), CheckInterval::written)
}

/// The answer to an accepted edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// The balancer.
    pub balancer: BalancerName,
    /// The member; none if the balancer's own settings were edited.
    pub member: Option<MemberName>,
    /// Did anything change? An edit that asks for what already holds is a success without a change.
    pub changed: bool,
    /// What changed.
    pub changes: Vec<Change>,
    /// The revision of the edited member or balancer now.
    pub revision: u64,
    /// The number of the event that tells it; none if nothing changed.
    pub event: Option<u64>,
    /// Will it survive a restart of the proxy?
    pub durable: bool,
    /// What else the operator should know, in sentences.
    pub notes: Vec<String>,
}

/// Who asked: at the other end of the admin socket, or of the manager page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Peer {
    /// The user's number; [`Peer::NOBODY`] for who is no user of this system.
    pub uid: u32,
    /// The group's number, likewise.
    pub gid: u32,
    /// The process, if the system tells.
    pub pid: Option<i32>,
    /// The user's name, if the system knows one.
    pub user: Option<String>,
    /// Who had logged in, if that was another user: the one who ran sudo or su.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
    /// The name of the program, as the system shows it; any program can choose its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Who came by HTTP, and so is no user of this system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Box<HttpClient>>,
}

impl Peer {
    /// The number of who is no user of this system.
    pub const NOBODY: u32 = u32::MAX;

    /// Somebody who came by HTTP.
    pub fn by_http(client: HttpClient) -> Self {
        Self { uid: Self::NOBODY, gid: Self::NOBODY, http: Some(Box::new(client)), ..Self::default() }
    }
}

/// A client of the manager page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpClient {
    /// Its address.
    pub address: IpAddr,
    /// Who it proved to be, by a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// `anna at 192.0.2.7`, or the address alone.
impl fmt::Display for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{user} at {}", self.address),
            None => self.address.fmt(f),
        }
    }
}

/// A user behind another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The user's number.
    pub uid: u32,
    /// The user's name, if the system knows one.
    pub user: Option<String>,
    /// Did the system keep it since the login? Otherwise only the process says so, in what sudo left in its environment.
    pub certain: bool,
}

/// `anna (1000)`, `root (0) for anna (1000)`, or `anna at 192.0.2.7`.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(client) = &self.http {
            return client.fmt(f);
        }
        name(f, self.user.as_deref(), self.uid)?;
        let Some(login) = &self.login else { return Ok(()) };
        f.write_str(" for ")?;
        name(f, login.user.as_deref(), login.uid)
    }
}

fn name(f: &mut fmt::Formatter<'_>, user: Option<&str>, uid: u32) -> fmt::Result {
    match user {
        Some(user) => write!(f, "{user} ({uid})"),
        None => write!(f, "uid {uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        serde_json::from_str::<MemberEdit>(json).unwrap_err().to_string()
    }

    #[test]
    fn only_what_is_present_is_asked_for() {
        let edit: MemberEdit =
            serde_json::from_str(r#"{"drain":true,"lbfactor":1.5,"reason":"deploy 42"}"#).unwrap();
        assert_eq!(edit.drain, Some(true));
        assert_eq!(edit.lbfactor.unwrap().hundredths(), 150);
        assert_eq!(edit.route, None);
        assert_eq!(
            serde_json::to_string(&edit).unwrap(),
            r#"{"lbfactor":1.5,"drain":true,"reason":"deploy 42"}"#
        );
        assert_eq!(serde_json::from_str::<MemberEdit>("{}").unwrap(), MemberEdit::default());
    }

    #[test]
    fn every_complaint_starts_with_the_field() {
        for (json, field) in [
            (r#"{"lbfactor":0.5}"#, "lbfactor"),
            (r#"{"lbfactor":"2"}"#, "lbfactor"),
            (r#"{"lbfactor":null}"#, "lbfactor"),
            (r#"{"lbfactor":1e999}"#, "lbfactor"),
            (r#"{"lbset":100}"#, "lbset"),
            (r#"{"route":"a;b"}"#, "route"),
            (r#"{"route":"\u001b[31m"}"#, "route"),
            (r#"{"drain":1}"#, "drain"),
            (r#"{"drain":true,"drain":false}"#, "drain"),
            (r#"{"weight":2}"#, "weight"),
            (r#"{"revision":-1}"#, "revision"),
            (r#"{"reason":"a\u0007"}"#, "reason"),
            (r#"{"hcmethod":"CPING"}"#, "hcmethod"),
            (r#"{"hcinterval":99}"#, "hcinterval"),
            (r#"{"hcinterval":"5s"}"#, "hcinterval"),
            (r#"{"hcpasses":0}"#, "hcpasses"),
            (r#"{"hcfails":-2}"#, "hcfails"),
            (r#"{"hcuri":"/a b"}"#, "hcuri"),
            (r#"{"hcexpr":"abcdefghijklmnop"}"#, "hcexpr"),
            (r#"{"health_fail":"yes"}"#, "health_fail"),
        ] {
            let message = refused(json);
            assert!(message.starts_with(&format!("{field}: ")), "{json} -> {message}");
            assert!(message.chars().all(crate::clean::is_clean), "{message:?}");
        }
        for json in ["", "[]", "1", "{", "null", r#"{"drain":true}x"#] {
            assert!(serde_json::from_str::<MemberEdit>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn balancer_edits_are_bounded_as_httpds_form_is() {
        let edit: BalancerEdit = serde_json::from_str(
            r#"{"lbmethod":"bytraffic","stickysession":"","timeout":7200,"maxattempts":0}"#,
        )
        .unwrap();
        assert_eq!(edit.stickysession, Some(StickyEdit(None)));
        for json in
            [r#"{"timeout":7201}"#, r#"{"maxattempts":100}"#, r#"{"lbmethod":"fair"}"#, r#"{"timeout":-1}"#]
        {
            assert!(serde_json::from_str::<BalancerEdit>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn an_interval_is_shown_as_people_write_it() {
        let change = |field: &str, before: &str, after: &str| {
            let [before, after] =
                Change { field: field.into(), before: before.into(), after: after.into() }.shown();
            format!("{before} {after}")
        };
        assert_eq!(change("hcinterval", "30000ms", "1500ms"), "30s 1500ms");
        assert_eq!(change("hcinterval", "60000ms", "3600000ms"), "60s 1h", "as it can be typed");
        assert_eq!(change("route", "30000ms", ""), "30000ms ");
    }

    #[test]
    fn flags_and_fields_agree() {
        for (flag, field) in MemberEdit::FLAGS {
            let edit = MemberEdit::default().with_flag(flag, true);
            assert_eq!(edit.flag(flag), Some(true));
            assert_eq!(serde_json::to_string(&edit).unwrap(), format!("{{\"{field}\":true}}"));
        }
    }
}
