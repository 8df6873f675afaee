//! Connections: accepting them, HTTP/1.1 and HTTP/2 on one port, and the orderly end.
//!
//! A connection that has not sent its first request in time, or is idle for long, is closed. At shutdown the server
//! stops accepting, ends its streams, lets running queries finish, and then closes what is left.

use super::reply::{Body, Reply};
use super::upgrade::{self, Opening};
use super::wire::Wire;
use super::{Patience, Server, router};
use crate::engine::Engine;
use http_body_util::BodyExt;
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use parking_lot::Mutex;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// Queries that run at shutdown may take this long.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(30);
/// Who has connected to the socket when the server stops may take this long to ask.
const LOCAL_FAREWELL: Duration = Duration::from_secs(1);
/// Requests on one HTTP/2 connection at once.
const MAX_STREAMS: u32 = 4096;

/// What a connection came through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// Plain TCP.
    Clear,
    /// TLS.
    Tls,
    /// The socket beside the file: it is the owner who speaks.
    Local,
}

/// How connections are spoken to.
#[derive(Clone)]
pub(super) struct Connections {
    server: Arc<Server>,
    http: auto::Builder<TokioExecutor>,
    tls: Option<TlsAcceptor>,
}

impl Connections {
    pub(super) fn new(server: Arc<Server>, tls: Option<TlsAcceptor>) -> Connections {
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(server.patience.idle)
            .max_buf_size(64 * 1024);
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(32 * 1024);
        Connections { server, http, tls }
    }

    /// Accepts until the server stops.
    pub(super) async fn accept(&self, listener: TcpListener, graceful: &GracefulShutdown) {
        let mut stopping = self.server.stopping.clone();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = super::stopped(&mut stopping) => return,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, or the client was gone already: neither ends the server.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            };
            let _ = stream.set_nodelay(true);
            let watchers = [graceful.watcher(), graceful.watcher()];
            let me = self.clone();
            tokio::spawn(async move {
                let Some(tls) = &me.tls else {
                    return me.speak(stream, watchers, Channel::Clear).await;
                };
                let patience = me.server.patience.first_request;
                match tokio::time::timeout(patience, tls.accept(stream)).await {
                    Ok(Ok(stream)) => me.speak(stream, watchers, Channel::Tls).await,
                    Ok(Err(error)) => tracing::debug!(%error, "no TLS connection"),
                    Err(_) => tracing::debug!("no TLS connection in time"),
                }
            });
        }
    }

    /// Accepts on the socket beside the file until the server stops. Whoever is not the file's owner is not heard.
    #[cfg(unix)]
    pub(super) async fn accept_local(
        &self,
        bound: &super::socket::Bound,
        graceful: &GracefulShutdown,
    ) -> io::Result<()> {
        let listener = bound.listener()?;
        let mut me = self.clone();
        // Nothing else is spoken here, and what has to be found out first can be cut off by a shutdown.
        me.http = me.http.http1_only();
        let begin = |stream: tokio::net::UnixStream| {
            if stream
                .peer_cred()
                .is_ok_and(|peer| peer.uid() == bound.owner())
            {
                let watchers = [graceful.watcher(), graceful.watcher()];
                let me = me.clone();
                tokio::spawn(async move { me.speak(stream, watchers, Channel::Local).await });
            }
        };
        let mut stopping = self.server.stopping.clone();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = super::stopped(&mut stopping) => break,
            };
            match accepted {
                Ok((stream, _)) => begin(stream),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        // Nobody comes any more, and who has come is answered.
        bound.unlink();
        let waiting = std::future::poll_fn(|context| match listener.poll_accept(context) {
            std::task::Poll::Ready(Ok((stream, _))) => std::task::Poll::Ready(Some(stream)),
            std::task::Poll::Ready(Err(_)) | std::task::Poll::Pending => {
                std::task::Poll::Ready(None)
            }
        });
        let mut waiting = waiting;
        while let Some(stream) = (&mut waiting).await {
            begin(stream);
        }
        Ok(())
    }

    /// Serves one connection to its end, in the protocol that it begins with or changes to.
    pub(super) async fn speak(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        watchers: [Watcher; 2],
        channel: Channel,
    ) {
        let _connected = self.server.metrics.connected();
        let [watcher, next] = watchers;
        let asked = Arc::new(AtomicBool::new(false));
        let changes = Arc::new(Mutex::new(None));
        let service = {
            let (server, asked, changes) = (self.server.clone(), asked.clone(), changes.clone());
            service_fn(move |request: Request<hyper::body::Incoming>| {
                asked.store(true, Ordering::Relaxed);
                let (server, changes) = (server.clone(), changes.clone());
                async move {
                    match channel == Channel::Clear && upgrade::is_wanted(&request) {
                        true => Ok(change(server, request, &changes).await),
                        false => router::serve(server, channel == Channel::Local, request).await,
                    }
                }
            })
        };
        let io = TokioIo::new(Wire::new(stream));
        let connection = self.http.serve_connection_with_upgrades(io, service);
        let connection = connection.into_owned();
        let connection = async move {
            match channel {
                Channel::Clear | Channel::Tls => watcher.watch(connection).await,
                // A shutdown would close it without looking whether a request has come already.
                Channel::Local => {
                    let _waited_for = watcher;
                    connection.await
                }
            }
        };
        tokio::pin!(connection);
        let mut stopping = self.server.stopping.clone();
        let farewell = async {
            super::stopped(&mut stopping).await;
            tokio::time::sleep(LOCAL_FAREWELL).await;
        };
        tokio::pin!(farewell);
        let silent = tokio::time::sleep(self.server.patience.first_request);
        tokio::pin!(silent);
        let mut watched = true;
        loop {
            tokio::select! {
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "connection failed");
                    }
                    break;
                }
                () = &mut silent, if watched => {
                    if !asked.load(Ordering::Relaxed) {
                        return;
                    }
                    watched = false;
                }
                () = &mut farewell, if watched && channel == Channel::Local => {
                    if !asked.load(Ordering::Relaxed) {
                        return;
                    }
                    watched = false;
                }
            }
        }
        let changed = changes.lock().take();
        if let Some(Change { to, opening }) = changed
            && let Ok(upgraded) = to.await
        {
            self.speak_on(upgraded, opening, next).await;
        }
    }

    /// Serves a connection that has changed to HTTP/2.
    async fn speak_on(&self, upgraded: Upgraded, opening: Vec<u8>, watcher: Watcher) {
        let server = self.server.clone();
        let service = service_fn(move |request| router::serve(server.clone(), false, request));
        let io = TokioIo::new(Opening::new(TokioIo::new(upgraded), opening));
        let http = self.http.clone().http2_only();
        let connection = http.serve_connection(io, service).into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "connection failed");
        }
    }
}

/// A connection on its way to HTTP/2.
struct Change {
    to: OnUpgrade,
    /// The frames that the new protocol begins with.
    opening: Vec<u8>,
}

/// Says yes to the wish for HTTP/2, or answers in HTTP/1.1 what cannot be taken along.
async fn change(
    server: Arc<Server>,
    mut request: Request<hyper::body::Incoming>,
    changes: &Mutex<Option<Change>>,
) -> Response<Body> {
    let to = hyper::upgrade::on(&mut request);
    let patience = server.patience.body;
    let (head, body) = request.into_parts();
    let read = tokio::time::timeout(patience, body.collect()).await;
    let Ok(Ok(body)) = read else {
        let late = Reply::json(408, "{\"error\":\"request timeout: Client timed out.\"}");
        return router::refusal(late);
    };
    let body = body.to_bytes();
    let request = Request::from_parts(head, ());
    let Some(opening) = upgrade::frames(&request, &body) else {
        return router::refusal(Reply::json(400, "{\"error\":\"bad request\"}"));
    };
    *changes.lock() = Some(Change { to, opening });
    let mut response = Response::new(Body::Whole(None));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let map = response.headers_mut();
    map.insert("connection", HeaderValue::from_static("Upgrade"));
    map.insert("upgrade", HeaderValue::from_static("h2c"));
    response
}

/// A server in this process, on a runtime of its own.
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Serves an engine on an address; port 0 takes any free port.
pub fn start(engine: Arc<Engine>, address: SocketAddr) -> io::Result<Running> {
    start_with(engine, address, Patience::default())
}

/// The same with other time limits.
pub fn start_with(
    engine: Arc<Engine>,
    address: SocketAddr,
    patience: Patience,
) -> io::Result<Running> {
    let (stop, stopping) = watch::channel(false);
    let runtime = runtime()?;
    let listener = runtime.block_on(TcpListener::bind(address))?;
    let address = listener.local_addr()?;
    let server = Server::at(super::Place::Here(engine), stopping, patience);
    let thread = std::thread::Builder::new()
        .name("fql-server".into())
        .spawn(move || {
            runtime.block_on(serve_until_stopped(server, Some(listener), None, None));
        })?;
    Ok(Running {
        address,
        stop,
        thread: Some(thread),
    })
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Running {
    /// Ends it in order.
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The runtime of a server.
pub(super) fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(super::pool::THREADS)
        .thread_name("fql-io")
        .thread_stack_size(8 * 1024 * 1024)
        .build()
}

/// Serves until the server's `stopping` becomes true, then ends in order.
pub(super) async fn serve_until_stopped(
    server: Arc<Server>,
    listener: Option<TcpListener>,
    tls: Option<TlsAcceptor>,
    local: Option<super::socket::Bound>,
) {
    let connections = Connections::new(server.clone(), tls);
    let graceful = GracefulShutdown::new();
    let public = async {
        if let Some(listener) = listener {
            connections.accept(listener, &graceful).await;
        }
    };
    let local = async {
        let bound = match local {
            Some(bound) => Some(bound),
            None => super::beside::take_over(&server).await,
        };
        #[cfg(unix)]
        if let Some(bound) = bound
            && let Err(error) = connections.accept_local(&bound, &graceful).await
        {
            tracing::warn!(%error, "other processes cannot use the file");
        }
        #[cfg(not(unix))]
        drop(bound);
    };
    tokio::join!(public, local);
    let drained = tokio::time::timeout(SHUTDOWN_PATIENCE, graceful.shutdown()).await;
    if drained.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}
