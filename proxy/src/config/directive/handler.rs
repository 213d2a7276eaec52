//! The directive that has the proxy answer by itself.

use crate::config::directive::{Call, Directive, EVERYWHERE, Effect};
use crate::config::handler::Handler;
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::shown;
use crate::config::site::{Scope, Site};

/// Sorted by name.
pub(super) static ROWS: &[Directive] = &[Directive {
    name: "SetHandler",
    contexts: EVERYWHERE,
    usage: "NAME",
    arguments: 1..=1,
    about: "In <Location>: balancer-manager shows and changes balancers, heartbeat takes heartbeats by POST; \
                server-status and server-info are not served yet.",
    effect: Effect::Apply(set_handler),
}];

fn set_handler(site: &mut Site, notes: &mut Notes, call: &Call<'_>) {
    let named = call.text(0);
    let handler = match named {
        "heartbeat" => Handler::Heartbeat,
        "balancer-manager" => Handler::Manager,
        _ => Handler::None,
    };
    if let Scope::Location(path) = call.scope {
        site.handlers.push(path, handler, call.spot);
    } else if handler != Handler::None {
        let what = format!("the handler {named} would answer every request here");
        return notes.error(call.spot, Complaint::new(what, "put it into a <Location /PATH>"));
    }
    match named.to_ascii_lowercase().as_str() {
        _ if handler != Handler::None => {}
        "server-status" | "server-info" => {
            let what = format!("the {} page is not served yet", shown(named));
            notes.warn(call.spot, Complaint::new(what, "use the console, or the admin socket"));
        }
        "none" => {}
        _ => {
            let what = format!("there is no handler '{}'", shown(named));
            notes.error(
                call.spot,
                Complaint::new(what, "remove the line; paths are given to balancers by ProxyPass"),
            );
        }
    }
}
