//! A server and its own backends: httpd or our proxy, with what an operator and a client do to it.

use harness::prelude::*;
use std::net::SocketAddr;

use crate::counters::{Counters, page};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// A real httpd.
    Httpd,
    /// Our proxy.
    Ours,
}

/// The one or the other, running.
#[derive(Debug)]
enum Server {
    Httpd(harness::httpd::Httpd),
    Ours(Box<Proxy>),
}

/// A server in front of its backends.
#[derive(Debug)]
pub(crate) struct Stage {
    server: Server,
    configuration: String,
    backends: Vec<Backend>,
}

impl Stage {
    /// Starts it with `{name}` in the configuration replaced; none if there is no httpd. `threads` are those of our
    /// proxy: with one, a connection to a member that was kept is surely used again.
    #[track_caller]
    pub(crate) fn start(
        which: Which,
        (configuration, threads): (&str, usize),
        names: &[String],
    ) -> Option<Self> {
        let backends: Vec<Backend> = names.iter().map(|name| Backend::new(name)).collect();
        let configuration = backends.iter().fold(configuration.to_owned(), |text, backend| {
            text.replace(&format!("{{{}}}", backend.name()), &backend.to_string())
        });
        let server = match which {
            Which::Httpd => Server::Httpd(httpd(&configuration)?),
            Which::Ours => {
                let text = format!("ServerName localhost\n{configuration}");
                Server::Ours(Box::new(proxy_with_threads(threads, text)))
            }
        };
        Some(Self { server, configuration, backends })
    }

    /// Ends it and starts it again.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        match &mut self.server {
            Server::Httpd(server) => *server = httpd(&self.configuration).expect("it was there before"),
            Server::Ours(server) => {
                server.terminate();
                server.restart();
            }
        }
    }

    /// Which it is.
    pub(crate) fn which(&self) -> Which {
        match self.server {
            Server::Httpd(_) => Which::Httpd,
            Server::Ours(_) => Which::Ours,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        match &self.server {
            Server::Httpd(server) => server.address(),
            Server::Ours(server) => server.address(),
        }
    }

    /// Its backends.
    pub(crate) fn backends(&self) -> &[Backend] {
        &self.backends
    }

    /// The backend of that name.
    #[track_caller]
    pub(crate) fn backend(&self, name: &str) -> &Backend {
        self.backends
            .iter()
            .find(|backend| backend.name() == name)
            .unwrap_or_else(|| panic!("there is no backend {name}"))
    }

    /// The members of a balancer, as their server tells of them.
    #[track_caller]
    pub(crate) fn counters(&self, balancer: &str) -> Vec<Counters> {
        let mut members = match &self.server {
            Server::Httpd(_) => self.page(balancer).1,
            Server::Ours(server) => server.balancer(balancer).members.iter().map(Counters::of).collect(),
        };
        for member in &mut members {
            let own = self.backends.iter().find(|backend| is_of(&member.url, backend));
            member.name = own.map_or_else(|| member.url.clone(), |backend| backend.name().to_owned());
        }
        members
    }

    /// Changes one field of a member, or of the balancer itself; false if it was refused, which httpd never says.
    #[track_caller]
    pub(crate) fn edit(&self, balancer: &str, whom: &str, (field, value): (&str, &str)) -> bool {
        let url = (whom != "balancer").then(|| {
            let members = self.counters(balancer);
            let member = members.iter().find(|member| member.name == whom);
            member.unwrap_or_else(|| panic!("there is no member {whom}")).url.clone()
        });
        match (&self.server, url) {
            (Server::Httpd(_), url) => {
                self.post(balancer, url.as_deref(), (field, value));
                true
            }
            (Server::Ours(server), Some(url)) => {
                server.try_edit(balancer, url, &json(field, value)).status == 200
            }
            (Server::Ours(server), None) => {
                let path = format!("/v1/balancers/{balancer}");
                server.admin().ask("PATCH", &path, &json(field, value)).status == 200
            }
        }
    }

    /// Posts one field to httpd's manager, as a script does.
    #[track_caller]
    fn post(&self, balancer: &str, member: Option<&str>, (field, value): (&str, &str)) {
        let nonce = self.page(balancer).0;
        let member = member.map(|url| format!("w={url}&")).unwrap_or_default();
        let body = format!("b={balancer}&{member}nonce={nonce}&{}", form(field, value));
        let answer = self.manager("POST", "/balancer-manager", &body);
        assert_eq!(answer.status, 200, "{body}");
    }

    #[track_caller]
    fn page(&self, balancer: &str) -> (String, Vec<Counters>) {
        let xml = self.manager("GET", "/balancer-manager?xml=1", "").text();
        page(&xml, balancer).unwrap_or_else(|| panic!("httpd shows no balancer {balancer}: {xml}"))
    }

    #[track_caller]
    fn manager(&self, method: &str, target: &str, body: &str) -> Answer {
        let to = self.address();
        browser()
            .header("Referer", &format!("http://{to}/balancer-manager"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .try_send(to, method, target, body.as_bytes())
            .unwrap_or_else(|why| panic!("httpd's manager does not answer: {why}"))
    }

    /// A text of the wire with the addresses of this stage by their names.
    pub(crate) fn named(&self, text: &str) -> String {
        let text = text.replace(&self.address().to_string(), "{proxy}");
        self.backends.iter().fold(text, |text, backend| {
            text.replace(&backend.address().to_string(), &format!("{{{}}}", backend.name()))
        })
    }
}

/// Is this the URL of a member on that backend?
fn is_of(url: &str, backend: &Backend) -> bool {
    url.strip_prefix(&backend.to_string()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The name of a field in httpd's form, and its value there.
fn form(field: &str, value: &str) -> String {
    let on = |value: &str| u8::from(value == "on");
    match field {
        "lbfactor" => format!("w_lf={value}"),
        "lbset" => format!("w_ls={value}"),
        "route" => format!("w_wr={value}"),
        "redirect" => format!("w_rr={value}"),
        "ignore_errors" => format!("w_status_I={}", on(value)),
        "drain" => format!("w_status_N={}", on(value)),
        "disabled" => format!("w_status_D={}", on(value)),
        "stopped" => format!("w_status_S={}", on(value)),
        "standby" => format!("w_status_H={}", on(value)),
        "spare" => format!("w_status_R={}", on(value)),
        "lbmethod" => format!("b_lbm={value}"),
        "timeout" => format!("b_tmo={value}"),
        "maxattempts" => format!("b_max={value}"),
        "nofailover" => format!("b_sforce={}", on(value)),
        // A single hyphen ends stickiness there.
        "stickysession" => format!("b_ss={}", if value.is_empty() { "-" } else { value }),
        other => panic!("nobody edits '{other}'"),
    }
}

/// The same for our admin interface.
fn json(field: &str, value: &str) -> String {
    let value = match (field, value) {
        (_, "on") => "true".to_owned(),
        (_, "off") => "false".to_owned(),
        ("lbfactor" | "lbset" | "timeout" | "maxattempts", number) => number.to_owned(),
        (_, text) => format!("\"{text}\""),
    };
    // httpd has no guards.
    format!("{{\"{field}\":{value},\"force\":true}}")
}
