//! Directives about what is told of the proxy to programs that watch it.

use crate::config::directive::server::address;
use crate::config::directive::{Call, Directive, Effect, SERVER};
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::shown;
use crate::config::site::Site;

/// More addresses than anybody wants.
const MANY: usize = 8;

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[Directive {
    name: "MetricsListen",
    contexts: SERVER,
    usage: "ADDRESS:PORT",
    arguments: 1..=1,
    about: "Where Prometheus reads /metrics, and nothing else can be done; without it, on the admin socket only. Not \
            in httpd.",
    effect: Effect::Apply(listen),
}];

/// Nobody is asked who they are there, so an address has to be named: a port alone would mean all.
fn listen(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let text = call.text(0);
    let remedy = "write for example 127.0.0.1:9117 or [::1]:9117";
    if text.starts_with(['*', ':']) || text.bytes().all(|b| b.is_ascii_digit()) {
        let what = format!("'{}' has no address", shown(text));
        return notes.error(call.word_spot(0), Complaint::new(what, remedy));
    }
    match address(text) {
        Err(complaint) => notes.error(call.word_spot(0), Complaint { remedy: remedy.into(), ..complaint }),
        Ok(address) if site.metrics_listen.contains(&address) && address.port() != 0 => {
            let what = format!("{address} stands twice");
            notes.error(call.word_spot(0), Complaint::new(what, "remove one of the two lines"));
        }
        Ok(_) if site.metrics_listen.len() == MANY => {
            let what = format!("there are more than {MANY} lines MetricsListen");
            notes.error(call.spot, Complaint::new(what, "remove some"));
        }
        Ok(address) => site.metrics_listen.push(address),
    }
}
