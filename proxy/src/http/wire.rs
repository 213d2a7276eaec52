//! Turns our heads and bodies into the HTTP library's and back. Only the two ends beside this file use it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::{Body, BodyError, Fields, Remaining, Source};

/// Our body under the library's trait.
pub(super) struct Outgoing(pub(super) Body);

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0.poll_chunk(context).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.0.remaining() {
            Remaining::Exactly(bytes) => SizeHint::with_exact(bytes),
            Remaining::Unknown => SizeHint::default(),
        }
    }
}

/// The library's body as a source of ours. Trailers end here.
struct Arriving(hyper::body::Incoming);

impl Source for Arriving {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.0).poll_frame(context)) {
                None => None,
                Some(Err(why)) => Some(Err(BodyError::Broken(why.to_string()))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(chunk) => Some(Ok(chunk)),
                    Err(_trailers) => continue,
                },
            });
        }
    }

    fn remaining(&self) -> Remaining {
        if self.0.is_end_stream() {
            return Remaining::Exactly(0);
        }
        self.0.size_hint().exact().map_or(Remaining::Unknown, Remaining::Exactly)
    }
}

pub(super) fn arriving(body: hyper::body::Incoming) -> Body {
    if body.is_end_stream() { Body::Empty } else { Body::Stream(Box::new(Arriving(body))) }
}

pub(super) fn fields_of(map: &HeaderMap) -> Fields {
    let mut fields = Fields::with_capacity(map.len());
    for (name, value) in map {
        fields
            .push(Bytes::copy_from_slice(name.as_str().as_bytes()), Bytes::copy_from_slice(value.as_bytes()));
    }
    fields
}

/// Lines that are no header fields are left out; our own fields always are.
pub(super) fn map_of(fields: &Fields) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields.iter() {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_maybe_shared(value.clone()))
        {
            map.append(name, value);
        }
    }
    map
}
