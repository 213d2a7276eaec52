//! How a manager page is reached, and as whom. Secrets are never shown.

use std::fmt;

use evenkeel_protocol::clean::clean;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Certificate, Identity, Url};

/// The path of the page where an address has none.
const USUAL: &str = "/balancer-manager";

/// The address of one manager page, and what is sent along.
#[derive(Clone)]
pub struct Access {
    url: Url,
    /// Who asks, by a name and a password.
    pub credentials: Option<Credentials>,
    /// Fields that are sent with every request: cookies, and whatever stands before the page wants to see.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The host that httpd is asked for; none: that of the address.
    pub host: Option<HeaderValue>,
    /// A certificate of ours.
    pub identity: Option<Identity>,
    /// Authorities that are trusted beside those of the system.
    pub authorities: Vec<Certificate>,
    /// Is any certificate taken?
    pub insecure: bool,
    /// The name by which who asks was typed, in the address or beside it.
    pub user: Option<String>,
    /// What else was typed to reach it and is no secret, as a shell takes it: `--host lb.example --insecure`.
    pub options: String,
}

/// A name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, ***)", clean(&self.name, 80))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access({}, {:?})", self.url, self.credentials)
    }
}

impl Access {
    /// For the page at `address`, with nothing sent along; a user name in the address is given back beside it, and its
    /// password, if it has one, is taken.
    ///
    /// # Errors
    ///
    /// Why the text is no address of a page, as the end of a sentence that starts with the text.
    pub fn new(address: &str) -> Result<(Self, Option<String>), String> {
        let wanted = "write http://HOST/balancer-manager or https://HOST/balancer-manager";
        if !address.contains("://") {
            return Err(format!("has no scheme; {wanted}"));
        }
        let mut url = Url::parse(address).map_err(|why| format!("is no URL ({why}); {wanted}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("is neither http nor https; {wanted}"));
        }
        if matches!(url.path(), "" | "/") {
            url.set_path(USUAL);
        }
        let decoded =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let user = Some(decoded(url.username())).filter(|name| !name.is_empty());
        let password = url.password().map(decoded);
        // An http URL with a host takes both.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        let credentials = match (&user, password) {
            (Some(name), Some(password)) => Some(Credentials { name: name.clone(), password }),
            _ => None,
        };
        let access = Self {
            url,
            credentials,
            headers: Vec::new(),
            host: None,
            identity: None,
            authorities: Vec::new(),
            insecure: false,
            user: user.clone(),
            options: String::new(),
        };
        Ok((access, user))
    }

    /// The address: no user, no password, no query.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The address with the name of who asks.
    pub fn named(&self) -> String {
        let mut url = self.url.clone();
        // An http URL with a host takes it.
        let _ = url.set_username(self.user.as_deref().unwrap_or_default());
        url.to_string()
    }

    /// The host of the address.
    pub fn machine(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_secrets_are_not_shown() {
        for (address, url, user) in [
            ("http://lb1", "http://lb1/balancer-manager", None),
            ("https://lb1:8443/bm?b=app#x", "https://lb1:8443/bm", None),
            ("https://an%20na@lb1/bm", "https://lb1/bm", Some("an na")),
            ("http://anna:se%3Acret@[::1]:81/x/", "http://[::1]:81/x/", Some("anna")),
        ] {
            let (access, found) = Access::new(address).unwrap();
            assert_eq!((access.url().as_str(), found.as_deref()), (url, user), "{address}");
            assert_eq!(access.named().contains("an%20na@"), address.contains("an%20na"), "{address}");
            assert!(!format!("{access:?}").contains("secret") && !format!("{access:?}").contains("se:"));
        }
        let (access, _) = Access::new("http://anna:se%3Acret@h").unwrap();
        assert_eq!(access.credentials.unwrap().password, "se:cret");
        for address in ["lb1/bm", "", "ftp://h/", "http://", "http://a b/", "unix:///run/x", "http://h:99999"]
        {
            assert!(Access::new(address).is_err(), "{address}");
        }
    }
}
