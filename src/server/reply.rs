//! Answers: a status, headers, and a body that is whole or comes piece by piece.

use crate::value::format::json::write_string;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// An answer of an endpoint, before the headers that all answers have.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The endpoint's own headers, in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body, JSON unless empty.
    pub body: Body,
}

/// A body.
pub enum Body {
    /// All of it, until it is taken.
    Whole(Option<Bytes>),
    /// Pieces as they come.
    Stream(mpsc::Receiver<Bytes>),
    /// What another process answers.
    Forwarded(hyper::body::Incoming),
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: Body::Whole(Some(body.into())),
        }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: Body::Whole(None),
        }
    }

    /// `{"error":{"code":...,"message":...}}`
    pub fn error(status: u16, code: &str, message: &str) -> Reply {
        Reply::tagged_error(status, code, message, None)
    }

    /// The same, with the query's tags.
    pub fn tagged_error(status: u16, code: &str, message: &str, tags: Option<&str>) -> Reply {
        let mut body = String::from("{\"error\":{\"code\":");
        write_string(&mut body, code);
        body.push_str(",\"message\":");
        write_string(&mut body, message);
        body.push('}');
        if let Some(tags) = tags {
            body.push_str(",\"query_tags\":");
            write_string(&mut body, tags);
        }
        body.push('}');
        Reply::json(status, body)
    }

    /// 400 `invalid_request`.
    pub fn invalid_request(message: &str) -> Reply {
        Reply::error(400, "invalid_request", message)
    }

    /// `{"errors":[{"code":...,"description":...}]}`: FQL v4 and whatever has no endpoint.
    pub fn legacy_error(status: u16, code: &str, description: &str) -> Reply {
        let mut body = String::from("{\"errors\":[{\"code\":");
        write_string(&mut body, code);
        body.push_str(",\"description\":");
        write_string(&mut body, description);
        body.push_str("}]}");
        Reply::json(status, body)
    }

    /// A method that a path does not know.
    pub fn method_not_allowed(allowed: &'static str) -> Reply {
        let description = format!("Allowed methods are {allowed}.");
        Reply::legacy_error(405, "method not allowed", &description).with("allow", allowed)
    }

    /// With one more header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    /// Only what is forwarded can break off.
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Body::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Body::Stream(pieces) => pieces
                .poll_recv(context)
                .map(|piece| piece.map(|bytes| Ok(Frame::data(bytes)))),
            Body::Forwarded(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Whole(bytes) => bytes.is_none(),
            Body::Stream(_) => false,
            Body::Forwarded(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(Some(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            Body::Whole(None) => SizeHint::with_exact(0),
            Body::Stream(_) => SizeHint::default(),
            Body::Forwarded(body) => body.size_hint(),
        }
    }
}
