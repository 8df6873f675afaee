//! `fql serve` with TLS: both protocols by ALPN, bad files, clients that do not speak TLS; and what the log says.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value as Json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_rustls::rustls;

/// A server process, its address, and what it has logged.
struct Server {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(arguments: &[&str]) -> Server {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fql"))
        .args(["serve", "--listen", "127.0.0.1:0", "--secret", "hush"])
        .args(arguments)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let lines = BufReader::new(child.stderr.take().expect("its log"));
    let log = Arc::new(Mutex::new(String::new()));
    let (found, address) = std::sync::mpsc::channel();
    let written = log.clone();
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once("://") {
                let address: String = rest
                    .chars()
                    .take_while(|c| c.is_ascii_digit() || ".:".contains(*c))
                    .collect();
                let _ = found.send(address.parse().expect("an address"));
            }
            let mut written = written.lock().expect("the log");
            written.push_str(&line);
            written.push('\n');
        }
    });
    let address = address.recv_timeout(Duration::from_secs(30));
    Server {
        child,
        address: address.expect("the server listens"),
        log,
    }
}

/// Certificate and key files of `localhost`, and the certificate.
fn certified(directory: &Path) -> (PathBuf, PathBuf, rustls::pki_types::CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).expect("made");
    let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    (certificate, key, made.cert.der().clone())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a name")
}

/// A TLS connection that offers protocols; the one chosen.
async fn connect(
    address: SocketAddr,
    trusted: &rustls::pki_types::CertificateDer<'static>,
    protocols: &[&str],
) -> (
    tokio_rustls::client::TlsStream<tokio::net::TcpStream>,
    Option<String>,
) {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).expect("trusted");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    let stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("connected");
    let name = rustls::pki_types::ServerName::try_from("localhost").expect("a name");
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await.expect("TLS");
    let chosen = stream.get_ref().1.alpn_protocol();
    let chosen = chosen.map(|name| String::from_utf8_lossy(name).into_owned());
    (stream, chosen)
}

fn request(query: &str) -> hyper::Request<Full<Bytes>> {
    let body = serde_json::json!({ "query": query }).to_string();
    hyper::Request::post("https://localhost/query/1")
        .header("host", "localhost")
        .header("authorization", "Bearer hush")
        .body(Full::new(body.into()))
        .expect("a request")
}

async fn json(answer: hyper::Response<hyper::body::Incoming>) -> Json {
    let body = answer.into_body().collect().await.expect("a body");
    serde_json::from_slice(&body.to_bytes()).expect("JSON")
}

fn block_on<T>(future: impl std::future::Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let limited = tokio::time::timeout(Duration::from_secs(60), future);
        limited.await.expect("in time")
    })
}

#[test]
fn tls_speaks_both_protocols_as_the_client_offers_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let (certificate, key, trusted) = certified(directory.path());
    let server = serve(&["--tls-cert", text(&certificate), "--tls-key", text(&key)]);
    block_on(async {
        for (offered, wanted) in [
            (&["h2", "http/1.1"][..], Some("h2")),
            (&["http/1.1"][..], Some("http/1.1")),
            (&[][..], None),
        ] {
            let (stream, chosen) = connect(server.address, &trusted, offered).await;
            assert_eq!(chosen.as_deref(), wanted);
            let io = TokioIo::new(stream);
            let answer = if wanted == Some("h2") {
                let (mut sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                        .await
                        .expect("HTTP/2");
                tokio::spawn(connection);
                let answer = sender
                    .send_request(request("1 + 1"))
                    .await
                    .expect("an answer");
                assert_eq!(answer.version(), hyper::Version::HTTP_2);
                assert!(!answer.headers().contains_key("connection"));
                answer
            } else {
                let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
                    .await
                    .expect("HTTP/1.1");
                tokio::spawn(connection);
                sender
                    .send_request(request("1 + 1"))
                    .await
                    .expect("an answer")
            };
            assert_eq!(answer.status(), 200);
            assert_eq!(json(answer).await["data"], 2);
        }
    });
    // Whoever does not speak TLS gets no answer in the clear, and the others are still served.
    for greeting in [
        "GET /ping HTTP/1.1\r\nhost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut plain = TcpStream::connect(server.address).expect("connected");
        plain
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("set");
        plain.write_all(greeting.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        let _ = plain.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
    block_on(async {
        let (stream, _) = connect(server.address, &trusted, &["http/1.1"]).await;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .expect("HTTP/1.1");
        tokio::spawn(connection);
        let answer = sender
            .send_request(request("'still'"))
            .await
            .expect("an answer");
        assert_eq!(json(answer).await["data"], "still");
    });
}

#[test]
fn unusable_certificates_are_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let (certificate, key, _) = certified(directory.path());
    let other = tempfile::tempdir().expect("a directory");
    let (_, other_key, _) = certified(other.path());
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "").expect("written");
    let missing = directory.path().join("missing.pem");
    for (certificate, key, named) in [
        (&missing, &key, "missing.pem"),
        (&certificate, &missing, "missing.pem"),
        (&empty, &key, "empty.pem"),
        (&certificate, &empty, "empty.pem"),
        (&key, &key, "key.pem"),
        // Each is good, but they do not belong together.
        (&certificate, &other_key, "cert.pem"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_fql"))
            .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
            .args(["--tls-cert", text(certificate), "--tls-key", text(key)])
            .output()
            .expect("the server ends");
        assert_eq!(output.status.code(), Some(2));
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(complaint.contains(named), "{named}: {complaint}");
    }
}

#[test]
fn logs_tell_requests_and_neither_secrets_nor_what_passes() {
    for format in ["human", "json"] {
        let server = serve(&["--log-level", "debug", "--log-format", format]);
        block_on(async {
            let stream = tokio::net::TcpStream::connect(server.address).await;
            let io = TokioIo::new(stream.expect("connected"));
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                    .await
                    .expect("HTTP/2");
            tokio::spawn(connection);
            let answer = sender.send_request(request("'topsecretcontent'")).await;
            assert_eq!(answer.expect("an answer").status(), 200);
            let mut wrong = request("1");
            let bad = hyper::header::HeaderValue::from_static("Bearer wrongsecret");
            wrong.headers_mut().insert("authorization", bad);
            let answer = sender.send_request(wrong).await.expect("an answer");
            assert_eq!(answer.status(), 401);
        });
        std::thread::sleep(Duration::from_millis(300));
        let log = server.log.lock().expect("the log").clone();
        assert!(log.contains("/query/1") && log.contains("401"), "{log}");
        for word in ["hush", "topsecret", "wrongsecret", "Frame", "h2::", "hyper"] {
            assert!(!log.contains(word), "{word} in {log}");
        }
        if format == "json" {
            for line in log.lines() {
                serde_json::from_str::<Json>(line).expect("a JSON line");
            }
        }
    }
}
