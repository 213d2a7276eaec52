//! The one HTTP room: heads and bodies of our own, and the two ends that speak HTTP/1.1 on the wire.
//!
//! Nothing behind this door knows which library parses the bytes; hyper's types stay in the two ends and
//! in `http/wire.rs` between them, so that the codec can be exchanged without touching the path of a request.

pub(crate) mod body;
pub(crate) mod client;
pub(crate) mod head;
pub(crate) mod server;
pub(crate) mod stream;
mod wire;

pub(crate) use body::{Body, BodyError, Remaining, Source};
pub(crate) use head::{AnswerHead, Fields, Method, RequestHead};
