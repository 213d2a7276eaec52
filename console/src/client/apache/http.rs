//! Requests for the page: bounded in size and time, one connection each, and every answer that is no page is a sentence.

use std::time::Duration;

use evenkeel_protocol::Refusal;
use evenkeel_protocol::clean::{clean, clean_bytes};
use evenkeel_protocol::refusal::Code;
use reqwest::header::{
    AGE, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, LOCATION, REFERER, WWW_AUTHENTICATE,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use tokio::time::timeout;

use super::alias::Alias;
use super::{Access, handshake};
use crate::address;
use crate::client::failure::root;
use crate::client::names::{self, Names};
use crate::client::{Failure, Limits, tls};

/// The largest page that is read, in bytes: many times that of 500 members.
const LARGEST: usize = 16 << 20;

/// Where caches say what they did.
const KEPT: [&str; 4] = ["X-Cache", "X-Cache-Status", "CF-Cache-Status", "Cache-Status"];
/// What they say where they did not ask httpd.
const HITS: [&str; 5] = ["hit", "stale", "updating", "tcp_hit", "tcp_mem_hit"];

/// Asks for one page.
#[derive(Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    access: Access,
    /// The address by the name that the certificate must have.
    asked: Url,
    within: Duration,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ask<'a> {
    /// The page, or with a query a part of it.
    Get(Option<&'a str>),
    /// What a form does, with its fields.
    Post(&'a str),
}

/// The bytes of a page, and what kind they are.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) kind: String,
    /// The header by which it comes from a cache that did not ask httpd; none: it does not, as far as it says.
    pub(super) cached: Option<String>,
    pub(super) bytes: Vec<u8>,
}

impl Http {
    pub(super) fn new(access: &Access, limits: Limits) -> Result<Self, Failure> {
        let builder = reqwest::Client::builder()
            .connect_timeout(limits.connect)
            .redirect(reqwest::redirect::Policy::none())
            // What the environment names stands between people and the web, not before a machine of theirs: it would
            // be lent the password.
            .no_proxy()
            .pool_max_idle_per_host(0)
            .retry(reqwest::retry::never())
            .user_agent(concat!("evenkeel/", env!("CARGO_PKG_VERSION")));
        // What is not found is told before the time to connect has passed.
        let names = names::ALONE.then(|| Names::of_system(limits.connect * 3 / 4));
        let alias = access.host.as_ref().and(Alias::of(access.url(), host(access), names.as_ref()));
        let (asked, builder) = match (alias, names) {
            (Some((asked, alias)), _) => (asked, builder.dns_resolver(alias)),
            (None, Some(names)) => (access.url().clone(), builder.dns_resolver(names)),
            (None, None) => (access.url().clone(), builder),
        };
        let builder = if access.url().scheme() == "https" {
            tls::install();
            let builder = builder.tls_danger_accept_invalid_certs(access.insecure);
            let trusting = builder.tls_certs_merge(access.authorities.clone());
            match access.identity.clone() {
                Some(identity) => trusting.identity(identity),
                None => trusting,
            }
        } else {
            tls::without(builder)?
        };
        let client = builder.build();
        let client = client.map_err(|why| unmade(access.url(), &root(&why)))?;
        Ok(Self { client, access: access.clone(), asked, within: limits.answer })
    }

    /// The address of the page.
    pub(super) fn url(&self) -> &Url {
        self.access.url()
    }

    /// The host that httpd is asked for, without a port.
    pub(super) fn host(&self) -> &str {
        host(&self.access)
    }

    /// The answer, if it is one that a manager page can give. `referer` is the name that httpd has for itself.
    pub(super) async fn ask(&self, ask: Ask<'_>, referer: &str) -> Result<Document, Failure> {
        let request = self.request(ask, referer);
        let asked = async {
            let response = request.send().await.map_err(|error| self.lost(&error))?;
            if !response.status().is_success() {
                return Err(self.refused(&response, ask));
            }
            self.read(response).await
        };
        match timeout(self.within, asked).await {
            Ok(answered) => answered,
            Err(_) => Err(Failure::Protocol(format!(
                "{} took the question and gave no answer within {:?}",
                self.url(),
                self.within
            ))),
        }
    }

    fn request(&self, ask: Ask<'_>, referer: &str) -> RequestBuilder {
        let mut url = self.asked.clone();
        let mut request = match ask {
            Ask::Get(query) => {
                url.set_query(query);
                self.client.request(Method::GET, url)
            }
            Ask::Post(form) => self
                .client
                .request(Method::POST, url)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.to_owned()),
        };
        request = request
            .header(REFERER, format!("{}://{referer}{}", self.url().scheme(), self.url().path()))
            .header(CACHE_CONTROL, "no-cache");
        if let Some(host) = &self.access.host {
            request = request.header(HOST, host);
        }
        if let Some(known) = &self.access.credentials {
            request = request.basic_auth(&known.name, Some(&known.password));
        }
        for (name, value) in &self.access.headers {
            request = request.header(name, value);
        }
        request
    }

    async fn read(&self, mut response: Response) -> Result<Document, Failure> {
        let kind = response.headers().get(CONTENT_TYPE).map_or(&[][..], |kind| kind.as_bytes());
        let kind = clean_bytes(kind, 80).to_ascii_lowercase();
        let cached = cached(response.headers());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.lost(&error))? {
            if bytes.len() + chunk.len() > LARGEST {
                return Err(Failure::Protocol(format!(
                    "the page at {} is larger than {LARGEST} bytes",
                    self.url()
                )));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Document { kind, cached, bytes })
    }

    /// What an answer means that is no page.
    fn refused(&self, response: &Response, ask: Ask<'_>) -> Failure {
        let (url, status) = (self.url(), response.status());
        let told = |name| response.headers().get(name).map(|value| clean_bytes(value.as_bytes(), 200));
        let is_post = matches!(ask, Ask::Post(_));
        match status {
            // Nothing is posted before the page was shown at the same address.
            status if is_post && (status.is_redirection() || status.is_server_error()) => {
                unposted(url, status, told(LOCATION))
            }
            status if status.is_redirection() => {
                let to = told(LOCATION).map_or_else(|| "nowhere".to_owned(), |to| address::in_text(&to));
                Failure::Protocol(format!("{url} redirects to {to}: name the page itself with --apache"))
            }
            StatusCode::UNAUTHORIZED if self.access.credentials.is_some() => {
                Failure::Permission(format!("{url} does not take that name and password"))
            }
            StatusCode::UNAUTHORIZED => {
                let how = told(WWW_AUTHENTICATE).unwrap_or_default();
                let basic = how.to_ascii_lowercase().starts_with("basic");
                let remedy = if basic || how.is_empty() {
                    "name yourself with --user NAME".to_owned()
                } else {
                    format!("it wants '{how}', and only Basic is spoken here")
                };
                Failure::Permission(format!("{url} wants to know who you are: {remedy}"))
            }
            StatusCode::FORBIDDEN => Failure::Permission(forbidden(&self.access, ask)),
            StatusCode::NOT_FOUND if !is_post => Failure::Protocol(format!(
                "there is nothing at {url} (404): is it the path of SetHandler balancer-manager, and the right --host?"
            )),
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Failure::Protocol(format!(
                    "{url} answers {}: a proxy in front of it, or `ProxyPass /` without an exception for the page",
                    status.as_u16()
                ))
            }
            StatusCode::BAD_REQUEST if is_post => {
                Failure::Refused(Refusal::new(Code::Invalid, format!("{url} refuses the form (400)")))
            }
            StatusCode::BAD_REQUEST if url.scheme() == "http" => {
                Failure::Protocol(format!("{url} answers 400: does it speak https, or want another --host?"))
            }
            status if is_post && status.is_client_error() => {
                let why = format!("{url} shows its page and refuses what changes it ({})", status.as_u16());
                Failure::Refused(Refusal::new(Code::Internal, why))
            }
            status => Failure::Protocol(format!("{url} answers {}", status.as_u16())),
        }
    }

    fn lost(&self, error: &reqwest::Error) -> Failure {
        let (url, why) = (self.url(), root(error));
        if let Some(failure) = handshake::failure(url.as_str(), &why, self.access.identity.is_some()) {
            return failure;
        }
        if error.is_connect() || error.is_builder() {
            return Failure::Unreachable(format!("no connection to {url}: {why}"));
        }
        Failure::Protocol(format!("{url} went away before it had answered ({why})"))
    }
}

/// The host that httpd is asked for, without a port.
fn host(access: &Access) -> &str {
    let asked = access.host.as_ref().and_then(|host| host.to_str().ok());
    let host = asked.unwrap_or_else(|| access.machine());
    let named = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    named.map_or(host, |it| it.0)
}

/// By which header the answer was kept from an earlier one. A cache tells how old it is, and many say that they had it.
fn cached(headers: &HeaderMap) -> Option<String> {
    let text = |value: &HeaderValue| clean_bytes(value.as_bytes(), 80);
    let age = headers.get(AGE).map(text).filter(|age| age.trim() != "0");
    if let Some(age) = age {
        return Some(format!("Age: {}", clean(age.trim(), 10)));
    }
    KEPT.into_iter().find_map(|name| {
        let told: Vec<String> = headers.get_all(name).iter().map(text).collect();
        let mut words = told.iter().flat_map(|value| value.split([' ', ',', ';']));
        let hit = words.find(|word| HITS.iter().any(|hit| word.eq_ignore_ascii_case(hit)))?;
        Some(format!("{name}: {hit}"))
    })
}

/// What it means that a form was answered so by an address that had shown its page: something in between answers, and
/// whether it asked httpd first only the page can tell.
fn unposted(url: &Url, status: StatusCode, to: Option<String>) -> Failure {
    if status.is_redirection() {
        let to = to.map_or_else(|| "nowhere".to_owned(), |to| address::in_text(&to));
        return Failure::Permission(format!(
            "{url} shows its page and redirects what changes it to {to}: something in between wants you to log in for that \
             (lend the console a session with --cookie or --header), or takes it at another address only"
        ));
    }
    let who = match status {
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            "a proxy in front of httpd did not reach it, or had no answer of it in time"
        }
        _ => "httpd, or something in front of it, failed over it; see its error log",
    };
    Failure::Protocol(format!(
        "{url} shows its page and answers what changes it with {}: {who}",
        status.as_u16()
    ))
}

/// What 403 means, the likeliest cause first. The page itself never answers so: a Referer of another name and a wrong nonce
/// it drops without a word. And before a form is asked for or posted the plain page was let through.
fn forbidden(access: &Access, ask: Ask<'_>) -> String {
    let url = access.url();
    let in_between = "or something in between (mod_security, a firewall for web applications, a proxy) takes it for forged";
    match ask {
        Ask::Post(_) => format!(
            "{url} shows its page and refuses what changes it (403): its Location in httpd's configuration lets only some \
             post (Limit, LimitExcept, Require method), {in_between}"
        ),
        Ask::Get(Some(_)) => format!(
            "{url} shows its page and refuses its forms (403): a rule in httpd's configuration goes by the query, \
             {in_between}"
        ),
        Ask::Get(None) => {
            let by = match &access.credentials {
                Some(known) => {
                    format!("they may want another name than {}, or another address", clean(&known.name, 80))
                }
                None => "they may want another address than yours".to_owned(),
            };
            let tls = match (url.scheme(), &access.identity) {
                ("https", None) => ", or a certificate (--cert)",
                ("https", Some(_)) => {
                    ", or another certificate (where only the Location has SSLVerifyClient, none is sent: its virtual host \
                     has to ask for it, as with SSLVerifyClient optional)"
                }
                _ => ", or https",
            };
            format!(
                "{url} does not let you in (403): see the Require lines of its Location in httpd's configuration; {by}{tls}"
            )
        }
    }
}

/// Why there can be no connection at all, and what can be done about it.
fn unmade(url: &Url, why: &str) -> Failure {
    let remedy = if why.contains("CA certificates") {
        "; install the package ca-certificates, trust an authority of your own with --cacert FILE, or any with --insecure"
    } else {
        ""
    };
    Failure::Unreachable(format!("no connection to {url} can be made: {why}{remedy}"))
}

#[cfg(test)]
mod tests {
    use super::super::Credentials;
    use super::*;

    #[test]
    fn an_answer_that_a_cache_has_kept_is_known_by_its_header() {
        for (name, value, by) in [
            ("Age", "0", None),
            ("Age", "17", Some("Age: 17")),
            ("X-Cache", "HIT from edge1", Some("X-Cache: HIT")),
            ("X-Cache", "MISS, HIT", Some("X-Cache: HIT")),
            ("X-Cache", "RefreshHit from cloudfront", None),
            ("X-Cache", "MISS", None),
            ("X-Cache-Status", "STALE", Some("X-Cache-Status: STALE")),
            ("X-Cache-Status", "REVALIDATED", None),
            ("CF-Cache-Status", "HIT", Some("CF-Cache-Status: HIT")),
            ("CF-Cache-Status", "DYNAMIC", None),
            ("Cache-Status", "edge; hit; ttl=5", Some("Cache-Status: hit")),
            ("Cache-Status", "edge; fwd=stale", None),
        ] {
            let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap();
            let headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static(value))]);
            assert_eq!(cached(&headers).as_deref(), by, "{name}: {value}");
        }
    }

    #[test]
    fn what_is_forbidden_is_told_by_what_was_asked_and_as_whom() {
        let of = |url: &str, name: Option<&str>, ask: Ask<'_>| {
            let (mut access, _) = Access::new(url).unwrap();
            let known = |name: &str| Credentials { name: name.to_owned(), password: "secret".to_owned() };
            access.credentials = name.map(known);
            forbidden(&access, ask)
        };
        for (url, name, ask, says) in [
            ("http://h", None, Ask::Get(None), "they may want another address than yours, or https"),
            ("https://h", None, Ask::Get(None), "another address than yours, or a certificate (--cert)"),
            ("https://h", Some("anna"), Ask::Get(None), "another name than anna, or another address"),
            ("http://h", None, Ask::Get(Some("b=app")), "refuses its forms (403): a rule"),
            ("http://h", Some("anna"), Ask::Post("x"), "refuses what changes it (403): its Location"),
        ] {
            let why = of(url, name, ask);
            assert!(why.contains(says) && !why.contains("Referer") && !why.contains("secret"), "{why}");
        }
    }
}
