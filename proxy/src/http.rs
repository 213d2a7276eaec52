//! The one HTTP room: a strict codec for HTTP/1.1 over the streams of a worker thread.
//!
//! Heads are read where they stand (`request`, `answer`, with what they share in `field` and `head`), bodies are read
//! in place (`body`, `chunked`) and moved a piece at a time (`pump`) through lent memory (`buffer`). Nothing behind this
//! door knows how the bytes of a head are looked at.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod buffer;
pub(crate) mod chunked;
mod field;
pub(crate) mod head;
pub(crate) mod pump;
pub(crate) mod request;
#[cfg(test)]
mod second_opinion;
pub(crate) mod stream;
