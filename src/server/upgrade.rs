//! From HTTP/1.1 to HTTP/2 on one connection: `Upgrade: h2c` (RFC 7540, section 3.2; `spec http-api 2`).
//!
//! The request that asks for the change is the first one of the new protocol: its answer goes out on stream 1. The HTTP
//! library knows HTTP/2 connections from their beginning only, so the beginning is made up: behind the client's preface and
//! settings, which come first, [`Opening`] slips in the frames that the client would have sent for that request.
//! A request whose body exceeds what HTTP/2 lets a client send at first stays with HTTP/1.1, as the standard allows.

use super::headers;
use hyper::header::HeaderMap;
use hyper::{Request, Version};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a client begins HTTP/2 with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A client may send so much before it knows the server's settings.
pub(super) const MAX_BODY: u64 = 65_535;
/// The largest frame before settings say otherwise.
const MAX_FRAME: usize = 16_384;
/// The first settings may be so long.
const MAX_SETTINGS: usize = 1024;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Whether a request asks for the change and can have it.
pub(super) fn is_wanted<B: hyper::body::Body>(request: &Request<B>) -> bool {
    let map = request.headers();
    let says = |name: &str, word: &str| {
        let text = headers::text(map, name).unwrap_or_default();
        text.split(',')
            .any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    request.version() == Version::HTTP_11
        && says("upgrade", "h2c")
        && says("connection", "upgrade")
        && says("connection", "http2-settings")
        && map.get_all("http2-settings").iter().count() == 1
        && !map.contains_key("expect")
        && request
            .body()
            .size_hint()
            .exact()
            .is_some_and(|length| length <= MAX_BODY)
}

/// The frames of a request on stream 1. `None` if its head is too large for one frame.
pub(super) fn frames<B>(request: &Request<B>, body: &[u8]) -> Option<Vec<u8>> {
    let map = request.headers();
    let path = request.uri().path_and_query();
    let mut block = Vec::new();
    literal(&mut block, b":method", request.method().as_str().as_bytes());
    literal(&mut block, b":scheme", b"http");
    literal(
        &mut block,
        b":path",
        path.map_or("/", |p| p.as_str()).as_bytes(),
    );
    if let Some(host) = map.get("host") {
        literal(&mut block, b":authority", host.as_bytes());
    }
    for (name, value) in map {
        if !is_of_connection(map, name.as_str()) {
            literal(&mut block, name.as_str().as_bytes(), value.as_bytes());
        }
    }
    if block.len() > MAX_FRAME {
        return None;
    }
    let mut out = Vec::with_capacity(block.len() + body.len() + 64);
    let ends = if body.is_empty() { END_STREAM } else { 0 };
    frame(&mut out, HEADERS, END_HEADERS | ends, &block);
    let mut pieces = body.chunks(MAX_FRAME).peekable();
    while let Some(piece) = pieces.next() {
        let ends = if pieces.peek().is_none() {
            END_STREAM
        } else {
            0
        };
        frame(&mut out, DATA, ends, piece);
    }
    Some(out)
}

/// Headers that HTTP/2 does not know, or has in another place.
fn is_of_connection(map: &HeaderMap, name: &str) -> bool {
    const ALWAYS: [&str; 8] = [
        "connection",
        "upgrade",
        "http2-settings",
        "host",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "te",
    ];
    ALWAYS.contains(&name)
        || headers::text(map, "connection")
            .unwrap_or_default()
            .split(',')
            .any(|part| part.trim().eq_ignore_ascii_case(name))
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags, 0, 0, 0, 1]);
    out.extend_from_slice(payload);
}

/// A header as HPACK has it when no table is touched: the client's own tables stay in step.
fn literal(block: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    block.push(0);
    for text in [name, value] {
        let mut length = text.len();
        if length < 127 {
            block.push(length as u8);
        } else {
            block.push(127);
            length -= 127;
            while length >= 128 {
                block.push((length % 128 + 128) as u8);
                length /= 128;
            }
            block.push(length as u8);
        }
        block.extend_from_slice(text);
    }
}

/// A stream that gets frames slipped in behind the client's preface and settings.
pub(super) struct Opening<S> {
    stream: S,
    /// What has come of preface and settings, until they are complete.
    begun: Vec<u8>,
    /// What is slipped in.
    slipped: Vec<u8>,
    /// What is to be read before the stream.
    ready: Vec<u8>,
    read: usize,
    complete: bool,
}

impl<S> Opening<S> {
    pub(super) fn new(stream: S, slipped: Vec<u8>) -> Opening<S> {
        Opening {
            stream,
            begun: Vec::new(),
            slipped,
            ready: Vec::new(),
            read: 0,
            complete: false,
        }
    }

    /// How long preface and settings are together, as far as can be told; `None` if this is no beginning of HTTP/2.
    fn length(&self) -> Option<usize> {
        let known = self.begun.len().min(PREFACE.len());
        if self.begun.get(..known) != PREFACE.get(..known) {
            return None;
        }
        let head = PREFACE.len() + 9;
        match self.begun.get(PREFACE.len()..head) {
            None => Some(head),
            Some(&[a, b, c, kind, ..]) => {
                let payload = u32::from_be_bytes([0, a, b, c]) as usize;
                (kind == 4 && payload <= MAX_SETTINGS).then_some(head + payload)
            }
            Some(_) => None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let me = &mut *self;
        while !me.complete {
            let wanted = me.length().ok_or(io::ErrorKind::InvalidData)?;
            if me.begun.len() >= wanted {
                let rest = me.begun.split_off(wanted);
                me.ready = std::mem::take(&mut me.begun);
                me.ready.append(&mut me.slipped);
                me.ready.extend(rest);
                me.complete = true;
                break;
            }
            let mut piece = [0; 1024];
            let mut piece = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut me.stream).poll_read(context, &mut piece))?;
            if piece.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            me.begun.extend_from_slice(piece.filled());
        }
        if let Some(rest) = me.ready.get(me.read..)
            && !rest.is_empty()
        {
            let count = rest.len().min(buffer.remaining());
            buffer.put_slice(&rest[..count]);
            me.read += count;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut me.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
