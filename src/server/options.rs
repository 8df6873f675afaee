//! `fql serve`: its options, and the process that serves.

use super::log::{LogFormat, LogLevel};
use super::{Patience, Place, Server, beside, listen, log, tls};
use crate::access::jwks::KeySetFile;
use crate::engine::{CacheSize, DatabaseFile, Engine};
use base64::Engine as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Serve a database over HTTP, for the official drivers.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The database file, created if absent. Without one: a transient database in memory.
    pub file: Option<PathBuf>,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// The root secret; generated and printed once if not given.
    #[arg(long, env = "FAUNA_ROOT_SECRET", hide_env_values = true)]
    pub secret: Option<String>,
    /// For development: the root secret is `secret`, and only this machine can connect.
    #[arg(long, conflicts_with = "secret")]
    pub dev: bool,
    /// Certificates in PEM, for TLS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The private key in PEM, for TLS.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Use the key set (JWKS) in FILE for access providers with this `jwks_uri`, instead of fetching it.
    #[arg(long, value_name = "URI=FILE")]
    pub jwks: Vec<KeySetFile>,
    /// Keep up to so many megabytes of the file's pages in memory (48 if not given): more makes reads of large files faster.
    #[arg(long, value_name = "MB")]
    pub cache: Option<CacheSize>,
    /// Serve `/metrics` (Prometheus text) on this address.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics: Option<SocketAddr>,
    /// Let answers take at least this many milliseconds, as over a longer line: for testing clients.
    #[arg(long, value_name = "MS", default_value_t = 0, hide = true)]
    pub delay: u16,
    /// How log lines are written.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// What is logged.
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,
}

/// Serves until told to stop. The exit status is 2 if it could not begin.
pub fn run(options: Options) -> ExitCode {
    log::start(options.log_format, options.log_level);
    match serve(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("fql: {message}");
            ExitCode::from(2)
        }
    }
}

fn serve(options: Options) -> Result<(), String> {
    raise_file_limit();
    if options.dev && !options.listen.ip().is_loopback() {
        return Err(
            "--dev has a secret that everybody knows: it listens on loopback addresses only".into(),
        );
    }
    let acceptor = match (&options.tls_cert, &options.tls_key) {
        (Some(certificates), Some(key)) => Some(tls::acceptor(certificates, key)?),
        _ => None,
    };
    let secret = match (options.dev, options.secret) {
        (true, _) => "secret".to_string(),
        (false, Some(secret)) if !secret.is_empty() => secret,
        (false, _) => {
            let secret = generated_secret();
            eprintln!("root secret (shown this once): {secret}");
            secret
        }
    };
    let patience = Patience {
        delay: Duration::from_millis(options.delay.into()),
        ..Patience::default()
    };
    let key_sets = options.jwks;
    let prepare = move |engine: &Engine| {
        engine.add_root_secret(&secret);
        engine.pin_key_set_files(&key_sets)
    };
    let place = match &options.file {
        Some(path) => {
            let file = DatabaseFile {
                cache: options.cache,
                ..DatabaseFile::at(path)
            };
            beside::place_of(&file, prepare)?
        }
        None => {
            let engine = Engine::memory().map_err(|error| error.to_string())?;
            prepare(&engine)?;
            Place::Here(engine)
        }
    };
    let local = match (&options.file, &place) {
        (Some(file), Place::Here(_)) => super::socket::bind(file)
            .inspect_err(|error| tracing::warn!(%error, "other processes cannot use the file"))
            .ok(),
        (Some(_), Place::Beside { .. }) => {
            tracing::info!("another process holds the file: it answers until it leaves");
            None
        }
        (None, _) => None,
    };
    let runtime = listen::runtime().map_err(|error| error.to_string())?;
    let scheme = if acceptor.is_some() { "https" } else { "http" };
    runtime.block_on(async {
        let cannot =
            |address: SocketAddr| move |error| format!("cannot listen on {address}: {error}");
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(cannot(options.listen))?;
        let (stop, stopping) = watch::channel(false);
        let server = Server::at(place, stopping, patience);
        if let Some(address) = options.metrics {
            let listener = TcpListener::bind(address).await.map_err(cannot(address))?;
            tokio::spawn(serve_metrics(server.clone(), listener));
        }
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        tracing::info!(url = %format!("{scheme}://{address}"), "listening");
        tokio::spawn(async move {
            stop_signal().await;
            tracing::info!("stopping: running queries finish, streams end");
            let _ = stop.send(true);
            stop_signal().await;
            tracing::warn!("stopped at once");
            std::process::exit(1);
        });
        listen::serve_until_stopped(server, Some(listener), acceptor, local).await;
        Ok::<(), String>(())
    })?;
    // Threads of queries that do not end are not waited for; what they have not committed has not happened.
    runtime.shutdown_timeout(Duration::from_secs(5));
    tracing::info!("stopped");
    Ok(())
}

/// Takes as many file descriptors as the system grants: each connection needs one.
fn raise_file_limit() {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
            && soft < hard
        {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        }
    }
}

fn generated_secret() -> String {
    let bytes: [u8; 30] = std::array::from_fn(|_| rand::random());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Waits for SIGTERM or SIGINT.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Answers every request with the metrics. The address is for a collector, not for the public.
async fn serve_metrics(server: Arc<Server>, listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let server = server.clone();
        tokio::spawn(async move {
            let mut head = [0; 1024];
            let patience = Duration::from_secs(5);
            let Ok(Ok(read)) = tokio::time::timeout(patience, stream.read(&mut head)).await else {
                return;
            };
            let found = head[..read].starts_with(b"GET /metrics");
            let (status, body) = match found {
                true => ("200 OK", server.metrics.text()),
                false => ("404 Not Found", String::new()),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        });
    }
}
