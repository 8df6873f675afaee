//! Key sets of access providers: fetched by URL, cached, or given from a local file for offline use.
//!
//! Only `https`, and `http` on this very machine, is ever asked; an answer is bounded in size and time, redirects
//! are not followed, and a provider that does not answer only fails the logins that need it.

use jsonwebtoken::jwk::JwkSet;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A fetched set is good for so long.
const FRESH: Duration = Duration::from_secs(3600);
/// An unknown `kid` fetches again at most so often.
const REFETCH: Duration = Duration::from_millis(500);
/// Longest answer.
const MAX_BYTES: u64 = 1 << 20;

/// Key sets by URL.
#[derive(Default)]
pub struct KeySets {
    sets: Mutex<HashMap<String, Cached>>,
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
        let now = Instant::now();
        let cached = Cached {
            set: Some(Arc::new(serde_json::from_str(json)?)),
            fetched: now,
            tried: now,
            pinned: true,
        };
        self.sets.lock().insert(uri.to_string(), cached);
        Ok(())
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

fn fetch(uri: &str) -> Option<JwkSet> {
    let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .any(|host| {
            uri.strip_prefix(host)
                .is_some_and(|rest| rest.starts_with([':', '/']) || rest.is_empty())
        });
    if !uri.starts_with("https://") && !loopback {
        return None;
    }
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(5)))
        .max_redirects(0)
        .build()
        .new_agent();
    let mut response = agent.get(uri).call().ok()?;
    let text = response
        .body_mut()
        .with_config()
        .limit(MAX_BYTES)
        .read_to_string()
        .ok()?;
    serde_json::from_str(&text).ok()
}
