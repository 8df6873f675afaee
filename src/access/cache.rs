//! Secrets that have been verified, so that bcrypt is paid once per secret and process.
//!
//! The cache holds no secret: an entry is a keyed hash of secret and stored hash together, under a key drawn when
//! the process starts. It says only that this text hashes to that stored hash, which stays true for ever; whether
//! the key still exists, has expired or points to a live database is looked up at every query. A changed
//! `hashed_secret` is another entry.

use super::secret::verify_password;
use parking_lot::Mutex;
use std::collections::hash_map::RandomState;
use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasher;

/// Entries kept; the oldest go first.
const CAPACITY: usize = 4096;

/// Verified pairs of secret and hash.
pub struct SecretCache {
    keys: [RandomState; 2],
    verified: Mutex<(HashSet<[u64; 2]>, VecDeque<[u64; 2]>)>,
}

impl Default for SecretCache {
    fn default() -> SecretCache {
        SecretCache {
            keys: [RandomState::new(), RandomState::new()],
            verified: Mutex::default(),
        }
    }
}

impl SecretCache {
    /// Whether a secret (its whole text, or the text of its random part) hashes to `hash`.
    pub fn verify(&self, secret: &str, random: &str, hash: &str) -> bool {
        // Two keyed 64-bit hashes (SipHash under random keys): a collision cannot be searched for from outside.
        let entry = [
            self.keys[0].hash_one((secret, hash)),
            self.keys[1].hash_one((secret, hash)),
        ];
        if self.verified.lock().0.contains(&entry) {
            return true;
        }
        if !verify_password(random, hash) && !verify_password(secret, hash) {
            return false;
        }
        let mut verified = self.verified.lock();
        if verified.0.insert(entry) {
            verified.1.push_back(entry);
            if verified.1.len() > CAPACITY
                && let Some(oldest) = verified.1.pop_front()
            {
                verified.0.remove(&oldest);
            }
        }
        true
    }
}
