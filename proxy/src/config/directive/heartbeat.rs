//! Directives about heartbeats: where they are listened for, from whom, and where they are kept.

use std::net::SocketAddr;

use crate::config::directive::server::{address, value};
use crate::config::directive::{Call, Directive, Effect, SERVER};
use crate::config::heartbeat::Network;
use crate::config::limits;
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::{Whole, shown};
use crate::config::site::Site;

/// More networks on a line than anybody writes.
const MANY: usize = 1024;

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[
    Directive {
        name: "HeartbeatAllow",
        contexts: SERVER,
        usage: "ADDRESS|NETWORK|all …",
        arguments: 1..=MANY,
        about: "Whose heartbeats are believed, by datagram or POST, in the forms of Require ip; without it, those from \
                the addresses of members. httpd believes everybody.",
        effect: Effect::Apply(allow),
    },
    Directive {
        name: "HeartbeatListen",
        contexts: SERVER,
        usage: "ADDRESS:PORT",
        arguments: 1..=1,
        about: "Where heartbeats are listened for: a multicast group, or an address of this machine (which httpd cannot); \
                [v6]:PORT for IPv6.",
        effect: Effect::Apply(listen),
    },
    Directive {
        name: "HeartbeatMaxServers",
        contexts: SERVER,
        usage: "NUMBER",
        arguments: 1..=1,
        about: "How many servers are remembered, at least 10, which is the default; 0 means those in the file of \
                HeartbeatStorage.",
        effect: Effect::Apply(max_servers),
    },
    Directive {
        name: "HeartbeatStorage",
        contexts: SERVER,
        usage: "FILE",
        arguments: 1..=1,
        about: "With HeartbeatMaxServers 0 the file that shares heartbeats with other processes, by default hb.dat in \
                the run folder; read also where nothing listens.",
        effect: Effect::Apply(|site, _, call| {
            site.heartbeats.storage = Some((call.text(0).to_owned(), call.spot));
        }),
    },
];

fn allow(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let allowed = site.heartbeats.allow.get_or_insert_default();
    for word in call.words {
        if word.text.eq_ignore_ascii_case("all") {
            allowed.extend(Network::ALL);
            continue;
        }
        match word.text.parse::<Network>() {
            Ok(network) => allowed.push(network),
            Err(why) => {
                let what = format!("'{}' {why}", shown(&word.text));
                let remedy =
                    "write for example 10.0.0.1, 10.0.0.0/8, 2001:db8::/32 or all; names are not resolved";
                notes.error(word.spot, Complaint::new(what, remedy));
            }
        }
    }
}

fn listen(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    if site.heartbeats.listen.is_some() {
        let what = "HeartbeatListen may stand only once";
        return notes.error(call.spot, Complaint::new(what, "remove one of the two lines"));
    }
    match read_address(call.text(0)) {
        Ok(address) => site.heartbeats.listen = Some((address, call.spot)),
        Err(complaint) => notes.error(call.word_spot(0), complaint),
    }
}

/// `239.0.0.1:27999`, `10.0.0.1:27999` or `[ff02::1]:27999`.
fn read_address(text: &str) -> Result<SocketAddr, Complaint> {
    let remedy = "write for example 239.0.0.1:27999, 10.0.0.1:27999 or [ff02::1]:27999";
    if text.starts_with(['*', ':']) || text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Complaint::new(format!("'{}' has no address", shown(text)), remedy));
    }
    address(text).map_err(|complaint| Complaint { remedy: remedy.into(), ..complaint })
}

fn max_servers(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let rule = Whole { least: 0, most: limits::HEARTBEAT_SERVERS, unit: "" };
    let number = value(notes, call, |text, remarks| {
        rule.read(text, remarks).and_then(|number| match number {
            1..=9 => Err(Complaint::new("must be 0 or at least 10, as in httpd", "write 0, or 10")),
            number => Ok(number),
        })
    });
    site.heartbeats.max_servers = number.or(site.heartbeats.max_servers);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("239.0.0.1:27999", Some("239.0.0.1:27999")),
            ("127.0.0.1:0", Some("127.0.0.1:0")),
            ("0.0.0.0:5", Some("0.0.0.0:5")),
            ("[ff02::1]:27999", Some("[ff02::1]:27999")),
            ("239.0.0.1", None),
            ("239.0.0.1:", None),
            ("239.0.0.1:99999", None),
            (":27999", None),
            ("27999", None),
            ("*:27999", None),
            ("localhost:27999", None),
            ("::1:27999", None),
            ("", None),
        ] {
            let read = read_address(text).ok().map(|address| address.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
