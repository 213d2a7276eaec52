//! Other balancers that give the process of a member new requests: whoever drains it in one alone has them come for ever,
//! and whoever stops it then is noticed.

use evenkeel_protocol::Snapshot;

use super::drain::Target;
use super::target;
use crate::client::Client;
use crate::model::command::quoted;

/// The most commands that are named.
const NAMED: usize = 3;

/// What drains its process there too; none: nobody else gives it new requests.
pub(super) fn advice(snapshot: &Snapshot, meant: &Target, client: &Client) -> Option<String> {
    let places = snapshot.places(&meant.balancer, &meant.member)?.elsewhere();
    let used = places.iter().filter(|place| place.takes_new);
    let mut commands: Vec<String> = used
        .filter_map(|place| {
            let (balancer, member) =
                (snapshot.balancer(&place.balancer)?, snapshot.member(&place.balancer, &place.member)?);
            let label = target::shortest(snapshot, balancer, member);
            Some(format!("`{}`", client.command(&format!("drain {}", quoted(&label)))))
        })
        .collect();
    let more = match commands.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and so on for {more} more"),
    };
    commands.truncate(NAMED);
    let commands = Some(commands.join(", ")).filter(|commands| !commands.is_empty())?;
    Some(format!("its process takes new requests elsewhere; to drain it there too: {commands}{more}"))
}
