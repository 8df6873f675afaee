//! The answer to what is no request.
//!
//! When a head cannot be read, or is too large, there is no request that the router could answer: the HTTP library
//! answers by itself, with a status and no body. [`Wire`] is the stream below it. It sees such an answer pass, and
//! puts the specified one in its place (`spec http-api 2`).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a malformed head is answered with.
const BAD_REQUEST: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json;charset=utf-8\r\n\
content-length: 23\r\nconnection: close\r\nx-faunadb-build: ";
const BODY: &str = "{\"error\":\"bad request\"}";

/// A stream that mends the library's own answers.
pub(super) struct Wire<S> {
    stream: S,
    /// An answer of ours that is not yet sent.
    pending: Vec<u8>,
    sent: usize,
}

impl<S> Wire<S> {
    pub(super) fn new(stream: S) -> Wire<S> {
        Wire {
            stream,
            pending: Vec::new(),
            sent: 0,
        }
    }
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    fn poll_pending(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.pending.get(self.sent..)
            && !rest.is_empty()
        {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += written;
        }
        self.pending.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

/// Whether bytes are an answer of the library's own: refusals of ours have a build header and a body.
fn is_bare_refusal(bytes: &[u8]) -> bool {
    let has = |what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
    bytes.starts_with(b"HTTP/1.1 4")
        && bytes.len() < 256
        && bytes.ends_with(b"\r\n\r\n")
        && has(b"content-length: 0")
        && !has(b"x-faunadb-build")
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_pending(context))?;
        if !is_bare_refusal(bytes) {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        }
        let build = concat!("fql-", env!("CARGO_PKG_VERSION"));
        let trace = super::headers::traceparent(&hyper::HeaderMap::new());
        let answer = format!("{BAD_REQUEST}{build}\r\ntraceparent: {trace}\r\n\r\n{BODY}");
        self.pending = answer.into_bytes();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = pieces {
            return self.poll_write(context, only);
        }
        ready!(self.poll_pending(context))?;
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }
}
