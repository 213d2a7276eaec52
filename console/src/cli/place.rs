//! Which proxies a command line means: sockets and manager pages, with what is sent along to a page.
//!
//! All options are gathered into a list of places, so that whoever asks several proxies takes the list, and whoever asks
//! one says so. What is typed beside `--apache` holds for every page; a name within an address (`https://anna@lb2/…`)
//! holds for that page only, and passwords are looked up for each host.

mod identity;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use evenkeel_protocol::clean::clean;
use reqwest::header::{COOKIE, HeaderName, HeaderValue};
use reqwest::{Certificate, Identity};

use super::{netrc, password};
use crate::address;
use crate::client::apache::{Access, Credentials};
use crate::client::{NoProxy, Place, Surroundings, place};
use crate::shell::quoted;
use crate::targets;

/// The environment variable with the password of `--user`.
const PASSWORD: &str = "EVENKEEL_PASSWORD";
/// The largest file that is read for an option, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

const APACHE: &str = "The httpd whose balancer-manager page has this address, instead of a proxy's socket [env: EVENKEEL_APACHE]";

const USER: &str =
    "Who asks; without a password it comes from EVENKEEL_PASSWORD, from ~/.netrc, or is asked for";

/// What can be typed to reach the manager page of an Apache httpd.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Options for the manager page of an Apache httpd")]
pub struct TargetOptions {
    /// The httpd whose balancer-manager page has this address.
    #[arg(long, global = true, value_name = "URL", help = APACHE)]
    pub apache: Vec<String>,
    /// Who asks.
    #[arg(long, global = true, value_name = "NAME[:PASSWORD]", help = USER)]
    pub user: Option<String>,
    /// A cookie for the page; stands before the command
    #[arg(long, value_name = "NAME=VALUE")]
    pub cookie: Vec<String>,
    /// A field for the page, as 'Name: value'
    #[arg(long, global = true, value_name = "FIELD")]
    pub header: Vec<String>,
    /// Ask for this host instead of the one in the address; with https its certificate must be of that name
    #[arg(long, global = true, value_name = "NAME")]
    pub host: Option<String>,
    /// A certificate of yours, in PEM; with its key, or with --key
    #[arg(long, global = true, value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// The key of --cert, in PEM
    #[arg(long, global = true, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Trust these authorities too, in PEM
    #[arg(long, global = true, value_name = "FILE")]
    pub cacert: Vec<PathBuf>,
    /// Take any certificate: whoever is in between can read and change everything
    #[arg(long, global = true)]
    pub insecure: bool,
}

/// What the process knows beside its command line.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The pages that [`place::VARIABLE`] names.
    pub apache: Vec<String>,
    /// The password of whoever asks.
    pub password: Option<String>,
    /// The file of names and passwords for hosts.
    pub netrc: Option<PathBuf>,
    /// May somebody be asked for a password?
    pub asks: bool,
}

impl Environment {
    /// That of this process.
    pub fn of_this_process() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let pages = text(place::VARIABLE).unwrap_or_default();
        Self {
            apache: pages.split_ascii_whitespace().map(str::to_owned).collect(),
            password: text(PASSWORD),
            netrc: netrc::path(),
            asks: true,
        }
    }
}

/// Where to look for what is meant.
#[derive(Debug)]
pub struct Search<'a> {
    /// What was typed about manager pages.
    pub options: &'a TargetOptions,
    /// `--socket`.
    pub socket: Option<&'a Path>,
    /// The proxies of this machine.
    pub surroundings: &'a Surroundings,
    /// Variables and files.
    pub environment: &'a Environment,
}

impl Search<'_> {
    /// Every proxy that is meant: those that were typed, pages before the socket; else the one of the variable for
    /// sockets; else those of the variable for pages; else the only proxy that runs here.
    ///
    /// # Errors
    ///
    /// There is none, several run and none was named, or an option cannot be used.
    pub fn places(&self) -> Result<Vec<Place>, NoProxy> {
        if self.is_for_httpd() {
            let typed = &self.options.apache;
            let mut places = self.pages(if typed.is_empty() { &self.environment.apache } else { typed })?;
            if self.socket.is_some() {
                places.push(Place::Socket(self.surroundings.find(self.socket)?));
            }
            return Ok(places);
        }
        if *self.options != TargetOptions::default() {
            let why =
                "--user, --cookie, --header, --host, --cert, --cacert and --insecure are for --apache URL";
            return Err(NoProxy::Options(why.to_owned()));
        }
        Ok(vec![Place::Socket(self.surroundings.find(self.socket)?)])
    }

    /// Is a manager page meant?
    pub fn is_for_httpd(&self) -> bool {
        let by_variable = self.socket.is_none()
            && self.surroundings.variable.is_none()
            && !self.environment.apache.is_empty();
        !self.options.apache.is_empty() || by_variable
    }

    /// The proxy that is meant, where only one can be.
    ///
    /// # Errors
    ///
    /// As [`Search::places`]; several were named.
    pub fn place(&self) -> Result<Place, NoProxy> {
        let mut places = self.places()?;
        match (places.pop(), places.is_empty()) {
            (Some(place), true) => Ok(place),
            _ => Err(NoProxy::Options("several proxies are named; name one".to_owned())),
        }
    }

    /// The words that mean the place that was found, in whatever shell they are pasted: none for a proxy that is the only
    /// one that runs here.
    pub fn words(&self, found: &Place) -> String {
        let is_named = self.socket.is_some() || self.surroundings.variable.is_some();
        let needs_words = is_named || matches!(found, Place::Apache(_));
        if needs_words { targets::words(found) } else { String::new() }
    }

    /// The addresses of pages that are meant, beside these sockets: those that were typed, else, where nothing else is
    /// named, those of the variable.
    pub fn named_pages(&self, sockets: &[PathBuf]) -> &[String] {
        let typed = self.options.apache.as_slice();
        let is_named = !typed.is_empty() || !sockets.is_empty() || self.surroundings.variable.is_some();
        if is_named { typed } else { &self.environment.apache }
    }

    /// The manager page at that address, with what was typed for all pages.
    ///
    /// # Errors
    ///
    /// As [`Search::places`].
    pub fn page(&self, address: &str) -> Result<Place, NoProxy> {
        self.pages(&[address.to_owned()])?
            .pop()
            .ok_or_else(|| NoProxy::Options("no page is named".to_owned()))
    }

    fn pages(&self, addresses: &[String]) -> Result<Vec<Place>, NoProxy> {
        let shared = Shared::of(self.options).map_err(NoProxy::Options)?;
        let page = |address: &String| {
            let named = |why| NoProxy::Options(format!("--apache {}: {why}", address::shown(address)));
            let (mut access, user) = Access::new(address).map_err(named)?;
            shared.lend(&mut access);
            self.log_in(&mut access, user)?;
            Ok(Place::Apache(Box::new(access)))
        };
        addresses.iter().map(page).collect()
    }

    /// Finds out who asks. A password is looked for where it is least trouble first.
    fn log_in(&self, access: &mut Access, user: Option<String>) -> Result<(), NoProxy> {
        if access.credentials.is_some() {
            return Ok(());
        }
        let typed = self.options.user.as_deref();
        let (name, password) = match (user, typed.and_then(|typed| typed.split_once(':'))) {
            (Some(name), _) => (Some(name), None),
            (None, Some((name, password))) => (Some(name.to_owned()), Some(password.to_owned())),
            (None, None) => (typed.map(str::to_owned), None),
        };
        let password = password.or_else(|| name.as_ref().and(self.environment.password.clone()));
        access.user.clone_from(&name);
        if let (Some(name), Some(password)) = (&name, password) {
            access.credentials = Some(Credentials { name: name.clone(), password });
            return Ok(());
        }
        let file = self.environment.netrc.as_deref();
        let known = file.map(|file| netrc::look_up(file, access.machine(), name.as_deref())).transpose();
        if let Some(known) = known.map_err(NoProxy::Options)?.flatten() {
            access.credentials = Some(known);
            return Ok(());
        }
        let Some(name) = name else { return Ok(()) };
        let asked = if self.environment.asks { password::ask(&name, access.machine()) } else { None };
        let Some(password) = asked else {
            let why = format!(
                "--user {}: there is no password: set {PASSWORD}, or write it into ~/.netrc",
                clean(&name, 80)
            );
            return Err(NoProxy::Options(why));
        };
        access.credentials = Some(Credentials { name, password });
        Ok(())
    }
}

/// What is sent along to every page.
struct Shared {
    headers: Vec<(HeaderName, HeaderValue)>,
    host: Option<HeaderValue>,
    identity: Option<Identity>,
    authorities: Vec<Certificate>,
    insecure: bool,
    /// The options of this that are no secrets, as a shell takes them.
    typed: String,
}

impl Shared {
    fn of(options: &TargetOptions) -> Result<Self, String> {
        let secret = |text: &str, option: &str| {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| format!("--{option}: holds a character that no field can carry"))?;
            value.set_sensitive(true);
            Ok::<_, String>(value)
        };
        let mut headers = Vec::new();
        if !options.cookie.is_empty() {
            headers.push((COOKIE, secret(&options.cookie.join("; "), "cookie")?));
        }
        for header in &options.header {
            let (name, value) = header.split_once(':').ok_or("--header: must be 'Name: value'")?;
            let name: HeaderName = name
                .trim()
                .parse()
                .map_err(|_| format!("--header {}: is no name of a field", clean(name, 80)))?;
            headers.push((name, secret(value.trim(), "header")?));
        }
        let host = options.host.as_deref().map(HeaderValue::from_str);
        let host = host.transpose().map_err(|_| "--host: is no name of a host".to_owned())?;
        let mut authorities = Vec::new();
        for path in &options.cacert {
            let read = Certificate::from_pem_bundle(&file(path, "cacert")?).unwrap_or_default();
            if read.is_empty() {
                return Err(format!("--cacert {}: holds no certificate in PEM", shown(path)));
            }
            authorities.extend(read);
        }
        Ok(Self {
            headers,
            host,
            identity: identity::identity(options)?,
            authorities,
            insecure: options.insecure,
            typed: typed(options),
        })
    }

    fn lend(&self, access: &mut Access) {
        access.headers.clone_from(&self.headers);
        access.host.clone_from(&self.host);
        access.identity.clone_from(&self.identity);
        access.authorities.clone_from(&self.authorities);
        access.insecure = self.insecure;
        access.options.clone_from(&self.typed);
    }
}

/// What of the options may be shown, and typed again: cookies and fields are as secret as passwords.
fn typed(options: &TargetOptions) -> String {
    let word = |option: &str, value: &str| format!("--{option} {}", quoted(&clean(value, 200)));
    let path = |option, path: &PathBuf| word(option, &path.display().to_string());
    let mut words: Vec<String> = options.host.iter().map(|host| word("host", host)).collect();
    words.extend(options.cert.iter().map(|file| path("cert", file)));
    words.extend(options.key.iter().map(|file| path("key", file)));
    words.extend(options.cacert.iter().map(|file| path("cacert", file)));
    words.extend(options.insecure.then(|| "--insecure".to_owned()));
    words.join(" ")
}

fn file(path: &Path, option: &str) -> Result<Vec<u8>, String> {
    let read = || -> io::Result<Vec<u8>> {
        if fs::metadata(path)?.len() > LARGEST_FILE {
            return Err(io::Error::other(format!("it is larger than {LARGEST_FILE} bytes")));
        }
        fs::read(path)
    };
    read().map_err(|why| format!("--{option} {}: {why}", shown(path)))
}

fn shown(path: &Path) -> String {
    clean(&address::in_text(&path.display().to_string()), 200)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    /// What a line means to somebody whose variables name these pages and this socket.
    fn places(line: &str, pages: &str, variable: Option<&str>) -> Result<Vec<String>, String> {
        let cli = Cli::try_parse_from(line.split(' ')).map_err(|why| why.to_string())?;
        let surroundings =
            Surroundings { uid: 0, variable: variable.map(PathBuf::from), folders: Vec::new() };
        let environment = Environment {
            apache: pages.split_whitespace().map(str::to_owned).collect(),
            ..Environment::default()
        };
        let search = Search {
            options: &cli.targets,
            socket: cli.socket.first().map(PathBuf::as_path),
            surroundings: &surroundings,
            environment: &environment,
        };
        let places = search.places().map_err(|why| why.to_string())?;
        Ok(places.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_line_means_all_that_is_typed_or_else_what_variables_name() {
        let page = |name: &str| format!("http://{name}/balancer-manager");
        for (line, pages, wanted) in [
            ("evenkeel --apache http://a status", "http://z", vec![page("a")]),
            ("evenkeel status --apache http://a --apache http://u:p@b", "", vec![page("a"), page("b")]),
            ("evenkeel status", "http://y http://z/bm", vec![page("y"), "http://z/bm".to_owned()]),
        ] {
            assert_eq!(places(line, pages, None), Ok(wanted), "{line}");
        }
        for (line, variable, says) in [
            ("evenkeel status", Some("/nonexistent/s"), "/nonexistent/s does not exist"),
            (
                "evenkeel --socket /nonexistent/t --apache http://a status",
                None,
                "/nonexistent/t does not exist",
            ),
            ("evenkeel --user anna status", None, "are for --apache URL"),
            ("evenkeel --apache http://a --user anna status", None, "there is no password"),
            ("evenkeel --apache http://a --header x status", None, "must be 'Name: value'"),
            ("evenkeel --apache http://a --cacert /nonexistent status", None, "--cacert /nonexistent: "),
            ("evenkeel --apache http://a --cert /dev/null status", None, "holds no certificate in PEM"),
            ("evenkeel --apache u:secret@a status", None, "--apache a: has no scheme"),
            ("evenkeel --apache u:secret://x@a/b status", None, "--apache a/b: "),
            (
                "evenkeel --apache ftp://u:secret@a status",
                None,
                "--apache ftp://a: is neither http nor https",
            ),
        ] {
            let why = places(line, if variable.is_some() { "http://z" } else { "" }, variable).unwrap_err();
            assert!(why.contains(says) && !why.contains("secret"), "{line}: {why}");
        }
    }

    #[test]
    fn one_place_is_all_that_a_single_command_takes() {
        let options = TargetOptions {
            apache: vec!["http://a".to_owned(), "http://b".to_owned()],
            ..TargetOptions::default()
        };
        let surroundings = Surroundings { uid: 0, variable: None, folders: Vec::new() };
        let search = Search {
            options: &options,
            socket: None,
            surroundings: &surroundings,
            environment: &Environment::default(),
        };
        assert!(search.place().unwrap_err().to_string().contains("name one"));
    }

    #[test]
    fn what_was_typed_can_be_typed_again_without_what_is_secret() {
        for (line, words) in [
            ("--apache http://a", "--apache http://a/balancer-manager"),
            (
                "--apache https://u:secret@a --insecure --host=lb.example --cookie s=secret --header X:secret",
                "--apache https://u@a/balancer-manager --host lb.example --insecure",
            ),
            ("--apache http://a --user u:secret", "--apache http://u@a/balancer-manager"),
        ] {
            let cli = Cli::try_parse_from(format!("evenkeel {line} status").split(' ')).unwrap();
            let search = Search {
                options: &cli.targets,
                socket: None,
                surroundings: &Surroundings { uid: 0, variable: None, folders: Vec::new() },
                environment: &Environment::default(),
            };
            assert_eq!(search.words(&search.place().unwrap()), words, "{line}");
        }
    }

    #[test]
    fn a_socket_is_named_in_words_wherever_it_was_named() {
        let options = TargetOptions::default();
        let found = Place::Socket("/run/evenkeel/a/admin.sock".into());
        for (socket, variable, words) in [
            (Some("/run/evenkeel/a"), None, "--socket /run/evenkeel/a/admin.sock"),
            (Some("/run/evenkeel/a"), Some("/run/b"), "--socket /run/evenkeel/a/admin.sock"),
            (None, Some("/run/evenkeel/a"), "--socket /run/evenkeel/a/admin.sock"),
            (None, None, ""),
        ] {
            let search = Search {
                options: &options,
                socket: socket.map(Path::new),
                surroundings: &Surroundings {
                    uid: 0,
                    variable: variable.map(PathBuf::from),
                    folders: Vec::new(),
                },
                environment: &Environment::default(),
            };
            assert_eq!(search.words(&found), words, "{socket:?} {variable:?}");
        }
    }
}
