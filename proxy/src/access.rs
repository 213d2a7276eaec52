//! Decides whether a client may come: by where it comes from, and by a password if that is asked for.
//!
//! | file | what |
//! | --- | --- |
//! | `password.rs` | the forms of passwords that htpasswd writes |
//! | `name.rs` | the names of addresses, for `Require host` |
//! | `groups.rs` | files of groups |
//! | `told.rs` | what an operator is told of the rules |
//! | `users.rs` | files of them, and what was found in these lately |
//!
//! What the configuration says of it, and how its sections are merged, is in `config/access.rs`.

mod groups;
mod name;
mod password;
pub(crate) mod told;
pub(crate) mod users;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evenkeel_protocol::BalancerName;
use evenkeel_protocol::clean::clean;

use self::groups::Groups;
use self::name::Names;
use self::users::{Known, Outcome};
use crate::config::{AccessRules, Effective, Verdict, Visitor};
use crate::limits;
use crate::mapping::without_parameters;

/// Who asks for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) path: &'a str,
    /// Where the request goes, if to a balancer.
    pub(crate) balancer: Option<&'a BalancerName>,
    pub(crate) client: IpAddr,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) method: &'a [u8],
    /// The field `Authorization`.
    pub(crate) authorization: Option<&'a [u8]>,
}

/// Why a client may not come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) status: u16,
    /// What a password is asked for, with 401.
    pub(crate) realm: Option<String>,
}

impl Closed {
    fn with(status: u16) -> Self {
        Self { status, realm: None }
    }
}

/// One reading of the configuration's rules, and what was found about users.
pub(crate) struct Access {
    rules: AccessRules,
    known: Arc<Known>,
    names: Arc<Names>,
    groups: Arc<Groups>,
}

/// A name and a password.
struct Credentials {
    user: String,
    password: Vec<u8>,
}

impl Access {
    /// With those `rules`; what is known of users lasts.
    pub(crate) fn new(rules: AccessRules, before: Option<&Self>) -> Self {
        let known = before.map_or_else(Arc::default, |before| Arc::clone(&before.known));
        let names = before.map_or_else(Arc::default, |before| Arc::clone(&before.names));
        let groups = before.map_or_else(Arc::default, |before| Arc::clone(&before.groups));
        Self { rules, known, names, groups }
    }

    /// May everybody go everywhere?
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Do both say the same?
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        self.rules == other.rules
    }

    /// Is nothing said about this path, where it leads to this balancer if to any? (What a path without its parameters
    /// says is another matter.)
    pub(crate) fn is_open(&self, path: &str, balancer: Option<&BalancerName>) -> bool {
        self.rules.effective(path, balancer).is_open()
    }

    /// Who comes, if it proved to be a user.
    ///
    /// # Errors
    ///
    /// It may not come.
    pub(crate) async fn admit(&self, asked: &Asked<'_>) -> Result<Option<String>, Closed> {
        let user = self.admit_to(asked.path, asked).await?;
        // Members that drop path parameters see another path, which must be open as well.
        match without_parameters(asked.path) {
            std::borrow::Cow::Owned(bare) => self.admit_to(&bare, asked).await.map(|other| other.or(user)),
            std::borrow::Cow::Borrowed(_) => Ok(user),
        }
    }

    async fn admit_to(&self, path: &str, asked: &Asked<'_>) -> Result<Option<String>, Closed> {
        let effective = self.rules.effective(path, asked.balancer);
        let Some(rule) = &effective.rule else {
            return if effective.is_half() { Err(Closed::with(500)) } else { Ok(None) };
        };
        let client = asked.client.to_canonical();
        let name = if rule.asks_for_name() { self.names.of(client).await } else { None };
        let forward = self.names.leading_to(client, &rule.forward_names()).await;
        let visitor = Visitor {
            address: client,
            local: asked.local.map(|local| local.ip()),
            name: name.as_deref(),
            forward: &forward,
            method: asked.method,
            user: None,
            groups: &[],
        };
        match rule.judge(&visitor) {
            Verdict::Granted => return Ok(None),
            Verdict::NeedsUser => {}
            Verdict::Denied | Verdict::Neutral => return Err(Closed::with(403)),
        }
        let Effective { realm: Some(realm), users: Some(file), groups, .. } = &effective else {
            return Err(Closed::with(500));
        };
        if !effective.can_authenticate() {
            return Err(Closed::with(500));
        }
        let ask = || Closed { status: 401, realm: Some((*realm).to_owned()) };
        let Credentials { user, password } = credentials(asked.authorization).ok_or_else(ask)?;
        match self.known.check((file, &user, &password), asked.client).await {
            Outcome::Right => {}
            Outcome::Wrong => {
                tracing::warn!(client = %asked.client, user = clean(&user, limits::TEXT), "a wrong user or password");
                return Err(ask());
            }
            Outcome::Busy => return Err(Closed::with(503)),
            Outcome::Unreadable => return Err(Closed::with(500)),
        }
        let groups = if rule.asks_for_groups() {
            let Some(file) = groups else { return Err(Closed::with(500)) };
            self.groups.of(file, &user).await.ok_or_else(|| Closed::with(500))?
        } else {
            Vec::new()
        };
        match rule.judge(&Visitor { user: Some(&user), groups: &groups, ..visitor }) {
            Verdict::Granted => Ok(Some(clean(&user, limits::TEXT))),
            _ => Err(ask()),
        }
    }
}

/// Those of `Basic`, if there are any.
fn credentials(field: Option<&[u8]>) -> Option<Credentials> {
    let field = std::str::from_utf8(field?).ok()?;
    let (scheme, encoded) = field.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > limits::CREDENTIALS {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let at = decoded.iter().position(|byte| *byte == b':')?;
    let user = String::from_utf8(decoded.get(..at)?.to_vec()).ok()?;
    Some(Credentials { user, password: decoded.get(at + 1..)?.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_from_basic_alone() {
        let read = |field: &str| {
            credentials(Some(field.as_bytes())).map(|it| (it.user, String::from_utf8(it.password).unwrap()))
        };
        let is = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        for (field, expected) in [
            ("Basic YW5uYTpzZWNyZXQ=", is("anna", "secret")),
            ("basic  YW5uYTphOmI=", is("anna", "a:b")),
            ("Basic YW5uYTo=", is("anna", "")),
            ("Basic YW5uYQ==", None),
            ("Basic !", None),
            ("Basic", None),
            ("Bearer YW5uYTpzZWNyZXQ=", None),
            ("", None),
        ] {
            assert_eq!(read(field), expected, "{field}");
        }
        assert!(credentials(None).is_none());
    }
}
