//! Key sets of access providers: fetched by URL, cached, or given from a local file for offline use.
//!
//! Only `https`, and `http` on this very machine, is ever asked; an answer is bounded in size and time, redirects
//! are not followed, and a provider that does not answer only fails the logins that need it.

use jsonwebtoken::jwk::JwkSet;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A fetched set is good for so long.
const FRESH: Duration = Duration::from_secs(3600);
/// An unknown `kid` fetches again at most so often.
const REFETCH: Duration = Duration::from_millis(500);
/// Longest answer.
const MAX_BYTES: u64 = 1 << 20;

/// A file that stands for the key set at a URL: `https://issuer.example/keys=keys.json` on a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySetFile {
    /// The `jwks_uri` of access providers.
    pub uri: String,
    /// The key set, as JSON.
    pub path: PathBuf,
}

impl FromStr for KeySetFile {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<KeySetFile, Self::Err> {
        // A URL may hold `=` in its query; the name of such a file should not.
        match text.rsplit_once('=') {
            Some((uri, path)) if !uri.is_empty() && !path.is_empty() => Ok(KeySetFile {
                uri: uri.to_string(),
                path: path.into(),
            }),
            _ => Err("it is written URI=FILE"),
        }
    }
}

impl fmt::Display for KeySetFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.uri, self.path.display())
    }
}

impl KeySetFile {
    /// The key set. The error says which file cannot be used, and why.
    fn read(&self) -> Result<JwkSet, String> {
        let cannot = |why: String| format!("cannot use {}: {why}", self.path.display());
        let json =
            std::fs::read_to_string(&self.path).map_err(|error| cannot(error.to_string()))?;
        serde_json::from_str(&json).map_err(|error| cannot(format!("no key set: {error}")))
    }
}

/// Key sets by URL.
#[derive(Default)]
pub struct KeySets {
    sets: Mutex<HashMap<String, Cached>>,
    files: Mutex<Vec<KeySetFile>>,
}

struct Cached {
    /// What was last fetched, if anything ever was.
    set: Option<Arc<JwkSet>>,
    fetched: Instant,
    /// The last attempt, good or not.
    tried: Instant,
    /// Given from a file: never fetched.
    pinned: bool,
}

impl KeySets {
    /// Uses `json` for `uri` instead of fetching it.
    pub fn pin(&self, uri: &str, json: &str) -> Result<(), serde_json::Error> {
        self.insert(uri, serde_json::from_str(json)?);
        Ok(())
    }

    /// The same with files, as a command line names them. The error says which file, and why.
    pub fn pin_files(&self, files: &[KeySetFile]) -> Result<(), String> {
        for file in files {
            self.insert(&file.uri, file.read()?);
        }
        // Other processes are told of them, which may run elsewhere.
        let absolute = |file: &KeySetFile| KeySetFile {
            uri: file.uri.clone(),
            path: std::path::absolute(&file.path).unwrap_or_else(|_| file.path.clone()),
        };
        self.files.lock().extend(files.iter().map(absolute));
        Ok(())
    }

    /// The files that key sets were pinned from.
    pub fn files(&self) -> Vec<KeySetFile> {
        self.files.lock().clone()
    }

    /// The key set that was pinned for `uri`.
    pub fn pinned(&self, uri: &str) -> Option<Arc<JwkSet>> {
        let sets = self.sets.lock();
        sets.get(uri)
            .filter(|cached| cached.pinned)
            .and_then(|cached| cached.set.clone())
    }

    fn insert(&self, uri: &str, set: JwkSet) {
        let now = Instant::now();
        let cached = Cached {
            set: Some(Arc::new(set)),
            fetched: now,
            tried: now,
            pinned: true,
        };
        self.sets.lock().insert(uri.to_string(), cached);
    }

    /// The key set at `uri`, from the cache while fresh. `unknown_key`: the cached set lacks the key, try once more.
    /// Whoever sends made-up tokens causes a fetch at most every [`REFETCH`], whether it succeeds or not.
    pub fn get(&self, uri: &str, unknown_key: bool) -> Option<Arc<JwkSet>> {
        {
            let mut sets = self.sets.lock();
            let now = Instant::now();
            if let Some(cached) = sets.get_mut(uri) {
                let fresh = now.duration_since(cached.fetched) < FRESH;
                let known = cached.set.clone().filter(|_| fresh || cached.pinned);
                let tried_of_late = now.duration_since(cached.tried) < REFETCH;
                if cached.pinned || tried_of_late || (known.is_some() && !unknown_key) {
                    return known;
                }
                cached.tried = now;
            } else {
                let cached = Cached {
                    set: None,
                    fetched: now,
                    tried: now,
                    pinned: false,
                };
                sets.insert(uri.to_string(), cached);
            }
        }
        // The lock is not held: logins with other providers go on meanwhile.
        let set = Arc::new(fetch(uri)?);
        let mut sets = self.sets.lock();
        let cached = sets.get_mut(uri)?;
        if !cached.pinned {
            cached.set = Some(set);
            cached.fetched = Instant::now();
        }
        cached.set.clone()
    }
}

/// Whether a URL may be asked: what comes back is believed, so nobody on the way may change it.
fn is_trustworthy(uri: &str) -> bool {
    let Ok(uri) = uri.parse::<ureq::http::Uri>() else {
        return false;
    };
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => true,
        (Some("http"), Some(host)) => matches!(host, "localhost" | "127.0.0.1" | "[::1]"),
        _ => false,
    }
}

fn fetch(uri: &str) -> Option<JwkSet> {
    if !is_trustworthy(uri) {
        return None;
    }
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(5)))
        .max_redirects(0)
        .build()
        .new_agent();
    let mut response = agent.get(uri).call().ok()?;
    if response.status() != 200 {
        return None;
    }
    let text = response
        .body_mut()
        .with_config()
        .limit(MAX_BYTES)
        .read_to_string()
        .ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A server on this machine that gives every request the same answer, and counts them.
    fn answering(head: &'static str, body: String) -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let uri = format!("http://{}/keys", listener.local_addr().expect("an address"));
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 4096]);
                let answer = format!(
                    "HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        (uri, asked)
    }

    const SET: &str = r#"{"keys": [{"kty": "RSA", "kid": "one", "n": "AQAB", "e": "AQAB"}]}"#;

    #[test]
    fn a_set_is_fetched_once_and_again_for_an_unknown_key() {
        let (uri, asked) = answering("200 OK", SET.into());
        let sets = KeySets::default();
        for _ in 0..3 {
            let set = sets.get(&uri, false).expect("a key set");
            assert!(set.find("one").is_some());
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        // Unknown keys do not make it ask more often than it may.
        for _ in 0..3 {
            assert!(sets.get(&uri, true).is_some());
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        std::thread::sleep(REFETCH);
        for _ in 0..3 {
            assert!(sets.get(&uri, true).is_some());
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn answers_that_are_no_sets_are_refused_and_not_asked_for_at_once_again() {
        let large = format!("{SET}{}", " ".repeat(MAX_BYTES as usize));
        for (head, body) in [
            ("404 Not Found", SET.to_string()),
            ("302 Found\r\nlocation: http://127.0.0.1:1/", SET.into()),
            ("200 OK", "no JSON".into()),
            ("200 OK", large),
        ] {
            let (uri, asked) = answering(head, body);
            let sets = KeySets::default();
            assert!(sets.get(&uri, false).is_none(), "{head}");
            assert!(sets.get(&uri, true).is_none(), "{head}");
            assert_eq!(asked.load(Ordering::SeqCst), 1, "{head}");
        }
    }

    #[test]
    fn a_pinned_set_is_never_fetched() {
        let (uri, asked) = answering("200 OK", SET.into());
        let sets = KeySets::default();
        sets.pin(&uri, r#"{"keys": []}"#).expect("a key set");
        assert!(sets.get(&uri, true).is_some_and(|set| set.keys.is_empty()));
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        assert!(sets.pin(&uri, "no JSON").is_err());
    }

    #[test]
    fn only_https_and_this_machine_are_asked() {
        for uri in [
            "https://i.example/keys",
            "http://localhost:80/",
            "http://[::1]:80/k",
            "http://127.0.0.1",
        ] {
            assert!(is_trustworthy(uri), "{uri}");
        }
        for uri in [
            "http://i.example/keys",
            "http://localhost:80@i.example/",
            "http://127.0.0.1.example/",
            "http://localhost.example",
            "file:///keys.json",
            "keys.json",
            "https://",
            "",
        ] {
            assert!(!is_trustworthy(uri), "{uri}");
        }
    }

    #[test]
    fn files_are_named_with_their_uri() {
        let parsed: KeySetFile = "https://i.example/k?a=b=keys.json".parse().expect("both");
        assert_eq!(parsed.uri, "https://i.example/k?a=b");
        assert_eq!(parsed.path, PathBuf::from("keys.json"));
        assert!("keys.json".parse::<KeySetFile>().is_err());
        assert!("=keys.json".parse::<KeySetFile>().is_err());
    }
}
