//! Whether a client may come, before anything is done for its request.

use std::borrow::Cow;

use super::Own;
use super::found::{Goal, path};
use crate::access::{Asked, Closed};
use crate::answer::Reply;
use crate::conversation::Conversation;
use crate::http::request::RequestHead;
use crate::mapping::without_parameters;

/// Who comes, if it proved to be a user.
///
/// # Errors
///
/// Our answer to who may not come.
pub(super) async fn admit(
    conversation: &Conversation,
    head: &RequestHead,
    goal: &Result<Goal, (u16, Option<usize>)>,
) -> Result<Option<String>, Own> {
    let managed = matches!(goal, Ok(Goal::Manager { .. }));
    if conversation.site.access.is_empty() && !managed {
        return Ok(None);
    }
    // What is refused whatever it is needs no leave, and paths that mean two things have no rules.
    let balancer = match goal {
        Ok(Goal::Balancer(found)) => Some(found.balancer),
        Ok(_) => None,
        Err((404, balancer)) => *balancer,
        Err(_) => return Ok(None),
    };
    let Some(path) = path((head, conversation.input.block())) else { return Ok(None) };
    let site = &conversation.site;
    let name = balancer.and_then(|index| site.balancers.get(index)).map(|balancer| &balancer.name);
    let bare = matches!(without_parameters(path), Cow::Borrowed(_));
    if bare && !managed && site.access.is_open(path, name) {
        return Ok(None);
    }
    Box::pin(decide(conversation, head, (path, balancer, managed))).await
}

async fn decide(
    conversation: &Conversation,
    head: &RequestHead,
    (path, balancer, managed): (&str, Option<usize>, bool),
) -> Result<Option<String>, Own> {
    let (site, block) = (&conversation.site, conversation.input.block());
    let client = conversation.peer.ip();
    if managed && site.access.is_open(path, None) {
        let ours = head.host.is_none_or(|host| site.manager.is_called(host.of(block)));
        // A page elsewhere could have its own name mean this machine, in the browser of somebody here.
        let may = client.to_canonical().is_loopback() && ours;
        return if may { Ok(None) } else { Err(Own { balancer, ..Own::early(403) }) };
    }
    let line = head.lines.iter().find(|line| line.name.of(block).eq_ignore_ascii_case(b"authorization"));
    let asked = Asked {
        path,
        balancer: balancer.and_then(|index| site.balancers.get(index)).map(|balancer| &balancer.name),
        client,
        local: conversation.local(),
        method: head.method.of(block),
        authorization: line.map(|line| line.value.of(block)),
    };
    site.access.admit(&asked).await.map_err(|closed| own(closed, balancer))
}

fn own(Closed { status, realm }: Closed, balancer: Option<usize>) -> Own {
    let reply = realm.map(|realm| {
        let quoted = realm.replace('\\', "\\\\").replace('"', "\\\"");
        let fields = vec![("WWW-Authenticate", format!("Basic realm=\"{quoted}\""))];
        Box::new(Reply { fields, ..Reply::default() })
    });
    Own { balancer, reply, ..Own::early(status) }
}
