//! A machine by another name: the certificate of a manager page is one for the name under which httpd is known, which
//! need not be the address at which it is asked.

use std::net::{IpAddr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use crate::client::names::Names;

/// Finds the machine of an address, by whatever name it is asked for.
#[derive(Debug)]
pub(super) struct Alias {
    machine: String,
    names: Option<Names>,
}

impl Alias {
    /// The address by the name `host`, and who finds its machine all the same; none: it is asked by its own name.
    pub(super) fn of(url: &Url, host: &str, names: Option<&Names>) -> Option<(Url, Self)> {
        let machine = url.host_str()?.trim_matches(['[', ']']);
        // Of an address in place of a name nobody asks where it is.
        let is_name = host.trim_matches(['[', ']']).parse::<IpAddr>().is_err();
        if url.scheme() != "https" || !is_name || host == machine {
            return None;
        }
        let mut named = url.clone();
        named.set_host(Some(host)).ok()?;
        Some((named, Self { machine: machine.to_owned(), names: names.cloned() }))
    }
}

impl Resolve for Alias {
    fn resolve(&self, _: Name) -> Resolving {
        let (machine, names) = (self.machine.clone(), self.names.clone());
        Box::pin(async move {
            // The port is that of the URL.
            let addresses: Addrs = match (machine.parse::<IpAddr>(), names) {
                (Ok(address), _) => Box::new(std::iter::once(SocketAddr::new(address, 0))),
                (Err(_), Some(names)) => names.resolve(machine.parse()?).await?,
                (Err(_), None) => Box::new(lookup_host((machine, 0)).await?.collect::<Vec<_>>().into_iter()),
            };
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_proves_its_name_is_asked_by_another() {
        for (url, host, asked) in [
            ("https://127.0.0.1:8443/bm", "lb.example", Some("https://lb.example:8443/bm")),
            ("https://[::1]/bm", "lb.example", Some("https://lb.example/bm")),
            ("https://lb1/bm", "lb.example", Some("https://lb.example/bm")),
            ("https://lb1/bm", "lb1", None),
            ("https://lb1/bm", "10.0.0.1", None),
            ("https://lb1/bm", "[::1]", None),
            ("http://127.0.0.1/bm", "lb.example", None),
        ] {
            let url = Url::parse(url).unwrap();
            let found = Alias::of(&url, host, None).map(|(url, _)| url.to_string());
            assert_eq!(found.as_deref(), asked, "{url} {host}");
        }
    }

    #[tokio::test]
    async fn the_machine_is_found_by_any_name() {
        for machine in ["https://127.0.0.1:8443", "https://localhost:8443"] {
            let (_, alias) = Alias::of(&Url::parse(machine).unwrap(), "lb.example", None).unwrap();
            let mut found = alias.resolve("lb.example".parse().unwrap()).await.unwrap();
            assert!(found.any(|address| address.ip().is_loopback()), "{machine}");
        }
    }
}
