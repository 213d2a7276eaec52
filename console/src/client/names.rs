//! Addresses of machines by their names, without the C library: from the file of hosts, then from the name servers of
//! `resolv.conf`, both read anew each time.
//!
//! Linked statically, that library still loads shared parts of itself to look up a name: those of another version on
//! another system, or none. Linked as usual it is asked, so that whatever else `nsswitch.conf` names is heard as well.

use std::fmt::Display;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use hickory_resolver::config::{ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::parse_resolv_conf;
use hickory_resolver::{Hosts, TokioResolver};
use reqwest::dns::{Addrs, Resolve, Resolving};
use thiserror::Error;
use tokio::time::timeout;

/// Must this program find addresses by itself?
pub(super) const ALONE: bool = cfg!(target_feature = "crt-static");

/// Both kinds of addresses; who connects tries the other kind when one does not answer.
const KINDS: [RecordType; 2] = [RecordType::AAAA, RecordType::A];

/// What numbers of questions are drawn from: linked statically the generator takes no other source, and panics without.
const RANDOM: [&str; 2] = ["/dev/random", "/dev/urandom"];

/// Where names are looked up.
#[derive(Debug, Clone)]
pub(super) struct Names {
    hosts: PathBuf,
    servers: PathBuf,
    /// Where name servers listen.
    port: u16,
    /// The longest wait for all of them together.
    within: Duration,
}

/// Why the address of a name is not known.
#[derive(Debug, Error)]
enum Unknown {
    #[error("{0} can be no name of a machine")]
    NoName(String),
    #[error("{0} is neither in {hosts} nor known to a name server of {servers}", hosts = .1.hosts.display(), servers = .1.servers.display())]
    Nowhere(String, Names),
    #[error("{0} is not in {hosts}, and no name server can be asked ({2}): write its address instead", hosts = .1.hosts.display())]
    Unasked(String, Names, String),
    #[error("{0} is not in {hosts}, and the name servers of {servers} do not answer ({2})", hosts = .1.hosts.display(), servers = .1.servers.display())]
    Unanswered(String, Names, String),
}

impl Names {
    /// As the system has them. Name servers have to answer `within` that time.
    pub(super) fn of_system(within: Duration) -> Self {
        Self { hosts: "/etc/hosts".into(), servers: "/etc/resolv.conf".into(), port: 53, within }
    }

    /// The addresses of a machine, one at least.
    async fn find(&self, machine: &str) -> Result<Vec<IpAddr>, Unknown> {
        let name = Name::from_str(machine).map_err(|_| Unknown::NoName(machine.to_owned()))?;
        let listed = self.listed(&name);
        if !listed.is_empty() {
            return Ok(listed);
        }
        if name.is_localhost() {
            return Ok(vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]);
        }
        let (servers, options) =
            self.name_servers().map_err(|why| Unknown::Unasked(machine.to_owned(), self.clone(), why))?;
        let unanswered = |why: String| Unknown::Unanswered(machine.to_owned(), self.clone(), why);
        match timeout(self.within, self.ask(servers, options, name)).await {
            Ok(Ok(found)) if !found.is_empty() => Ok(found),
            Ok(Err(why)) if !why.is_no_records_found() => Err(unanswered(why.to_string())),
            Ok(_) => Err(Unknown::Nowhere(machine.to_owned(), self.clone())),
            Err(_) => Err(unanswered(format!("within {:?}", self.within))),
        }
    }

    /// What the file of hosts says: who stands there with an address of one kind has none of the other kind elsewhere.
    fn listed(&self, name: &Name) -> Vec<IpAddr> {
        let mut hosts = Hosts::default();
        let text = fs::read(&self.hosts).unwrap_or_default();
        // A text in memory ends by no error, and what it says in other bytes than UTF-8 are comments.
        let _ = hosts.read_hosts_conf(String::from_utf8_lossy(&text).as_bytes());
        let found =
            KINDS.iter().filter_map(|kind| hosts.lookup_static_host(&Query::query(name.clone(), *kind)));
        let records = found.flat_map(|lookup| lookup.answers().to_vec());
        records.filter_map(|record| record.data.ip_addr()).collect()
    }

    /// The name servers and how they are to be asked, or why they cannot be.
    fn name_servers(&self) -> Result<(ResolverConfig, ResolverOpts), String> {
        let of = |path: &Path, why: &dyn Display| format!("{}: {why}", path.display());
        for device in RANDOM.map(Path::new) {
            fs::File::open(device).map_err(|why| of(device, &why))?;
        }
        let text = fs::read(&self.servers).map_err(|why| of(&self.servers, &why))?;
        parse_resolv_conf(text).map_err(|why| of(&self.servers, &why))
    }

    /// What the name servers say.
    async fn ask(
        &self,
        mut servers: ResolverConfig,
        mut options: ResolverOpts,
        name: Name,
    ) -> Result<Vec<IpAddr>, NetError> {
        for connection in servers.name_servers.iter_mut().flat_map(|server| &mut server.connections) {
            connection.port = self.port;
        }
        options.use_hosts_file = ResolveHosts::Never;
        // A question that was lost is asked again before the time is over.
        options.timeout = options.timeout.min(self.within / 2);
        let mut builder = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default());
        *builder.options_mut() = options;
        let found = builder.build()?.lookup_ip(name).await?;
        Ok(found.iter().collect())
    }
}

impl Resolve for Names {
    fn resolve(&self, name: reqwest::dns::Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let found = names.find(name.as_str()).await?;
            // The port is that of the URL.
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests;
