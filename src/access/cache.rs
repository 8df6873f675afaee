//! What a process remembers of secrets, so that bcrypt is paid once per secret and looking a key up once per commit.
//!
//! Neither cache holds a secret: entries are [`Mark`]s, SHA-256 under a key drawn when the process starts.
//! - [`SecretCache`] says that a text hashes to a stored hash. That stays true for ever; whether the key still exists,
//!   has expired or points to a live database is another question. A changed `hashed_secret` is another entry.
//! - [`LoginCache`] says whom a presented secret resolved to in one snapshot. It answers only while that snapshot is the
//!   newest, and only until something about the login expires: any commit at all makes the next query look again.
//!
//! bcrypt runs in a bounded number of threads at a time ([`Turnstile`]), so that a flood of wrong secrets cannot take
//! every core from the queries of those who are in.

use super::Principal;
use super::secret::verify_password;
use crate::store::TxnTime;
use crate::value::Time;
use parking_lot::{Condvar, Mutex};
use rand::TryRng;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::OnceLock;

/// Entries kept of each kind; the oldest go first.
const CAPACITY: usize = 4096;
/// A hash that no secret has, of the cost that secrets are hashed with.
const NOBODY: &str = "$2a$05$.....................................................";

/// A keyed digest of texts: says whether two are the same, and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark([u8; 32]);

impl Mark {
    /// Whether two marks are the same, in a time that does not tell how much of them is.
    pub fn is(&self, other: &Mark) -> bool {
        let different = self
            .0
            .iter()
            .zip(other.0)
            .fold(0, |all, (a, b)| all | (a ^ b));
        std::hint::black_box(different) == 0
    }
}

/// Secrets that have been verified, and some that have been refused.
pub struct SecretCache {
    key: [u8; 32],
    verified: Mutex<Recent>,
    refused: Mutex<Recent>,
    /// Presented secrets that have opened something.
    familiar: Mutex<Recent>,
    /// Made for the first secret: counting the cores takes twenty system calls.
    bcrypt: OnceLock<Turnstile>,
}

impl Default for SecretCache {
    fn default() -> SecretCache {
        let mut key = [0; 32];
        // Without the system's generator marks are guessable, but still no secrets.
        let _ = rand::rngs::SysRng.try_fill_bytes(&mut key);
        SecretCache {
            key,
            verified: Mutex::default(),
            refused: Mutex::default(),
            familiar: Mutex::default(),
            bcrypt: OnceLock::new(),
        }
    }
}

impl SecretCache {
    /// The mark of a list of texts in this process.
    pub fn mark<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> Mark {
        let mut digest = Sha256::new_with_prefix(self.key);
        for part in parts {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Mark(digest.finalize().into())
    }

    /// Whether a secret (the text of its random part, or its whole text) hashes to `hash`.
    pub fn verify(&self, secret: &str, random: &str, hash: &str) -> bool {
        self.remember(self.mark(["bcrypt", secret, hash]), || {
            let bcrypt = self.bcrypt.get_or_init(|| {
                let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
                Turnstile::new((cores / 2).max(1))
            });
            let _turn = bcrypt.enter();
            verify_password(random, hash) || verify_password(secret, hash)
        })
    }

    /// Takes the time of [`SecretCache::verify`] for a secret whose document does not exist, so that the time does not
    /// tell which ids do.
    pub fn verify_nothing(&self, secret: &str, random: &str) {
        self.verify(secret, random, NOBODY);
    }

    /// Takes note that a presented secret has opened something.
    pub fn admit(&self, secret: &str) {
        let mark = self.mark(["familiar", secret]);
        self.familiar.lock().add(mark);
    }

    /// Whether a presented secret has opened something in this process, whatever it opens now.
    pub fn is_familiar(&self, secret: &str) -> bool {
        let mark = self.mark(["familiar", secret]);
        self.familiar.lock().has(&mark)
    }

    /// The answer of `check` for what `mark` stands for, from memory if it was asked before. It must never change.
    pub fn remember(&self, mark: Mark, check: impl FnOnce() -> bool) -> bool {
        if self.verified.lock().has(&mark) {
            return true;
        }
        if self.refused.lock().has(&mark) {
            return false;
        }
        let good = check();
        let recent = if good { &self.verified } else { &self.refused };
        recent.lock().add(mark);
        good
    }
}

/// Marks in the order they came.
#[derive(Default)]
struct Recent {
    marks: HashSet<Mark>,
    order: VecDeque<Mark>,
}

impl Recent {
    fn has(&self, mark: &Mark) -> bool {
        self.marks.contains(mark)
    }

    fn add(&mut self, mark: Mark) {
        if !self.marks.insert(mark) {
            return;
        }
        self.order.push_back(mark);
        if self.order.len() > CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.marks.remove(&oldest);
        }
    }
}

/// Lets a bounded number of threads in; the others wait.
struct Turnstile {
    free: Mutex<usize>,
    left: Condvar,
}

impl Turnstile {
    fn new(places: usize) -> Turnstile {
        Turnstile {
            free: Mutex::new(places),
            left: Condvar::new(),
        }
    }

    fn enter(&self) -> Turn<'_> {
        let mut free = self.free.lock();
        self.left.wait_while(&mut free, |free| *free == 0);
        *free -= 1;
        Turn(self)
    }
}

/// A place inside a [`Turnstile`], given back when dropped.
struct Turn<'a>(&'a Turnstile);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock() += 1;
        self.0.left.notify_one();
    }
}

/// Whom presented secrets resolved to in the newest snapshot.
#[derive(Default)]
pub struct LoginCache(Mutex<HashMap<Mark, Known>>);

struct Known {
    principal: Principal,
    seen: TxnTime,
    expires: Option<Time>,
}

impl LoginCache {
    /// Who `mark` is in the snapshot of time `seen`, if that was found out before and nothing of it has expired `now`.
    pub fn get(&self, mark: &Mark, seen: TxnTime, now: Time) -> Option<Principal> {
        let logins = self.0.lock();
        let known = logins.get(mark)?;
        let current = known.seen == seen && known.expires.is_none_or(|expires| expires > now);
        current.then(|| known.principal.clone())
    }

    /// Remembers who `mark` is in the snapshot of time `seen`.
    pub fn put(&self, mark: Mark, principal: &Principal, seen: TxnTime, expires: Option<Time>) {
        let mut logins = self.0.lock();
        if logins.len() >= CAPACITY {
            logins.clear();
        }
        let known = Known {
            principal: principal.clone(),
            seen,
            expires,
        };
        logins.insert(mark, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::secret::{Decoded, Secret, decode};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_secret_is_verified_once_and_never_as_another() {
        let cache = SecretCache::default();
        let (secret, hash) = Secret::of_key(1).unwrap();
        let Some(Decoded::Key { random, .. }) = decode(secret.reveal()) else {
            panic!("a key");
        };
        assert!(cache.verify(secret.reveal(), &random, &hash));
        assert!(cache.verify(secret.reveal(), &random, &hash));
        assert!(!cache.verify("other", "other", &hash));
        let (_, other) = Secret::of_key(1).unwrap();
        assert!(!cache.verify(secret.reveal(), &random, &other));
        assert_eq!(cache.verified.lock().order.len(), 1);
        assert_eq!(cache.refused.lock().order.len(), 2);
    }

    #[test]
    fn nobody_has_a_hash_that_costs_as_much_as_any() {
        let cache = SecretCache::default();
        cache.verify_nothing("secret", "random");
        assert_eq!(cache.refused.lock().order.len(), 1);
        let (secret, hash) = Secret::of_key(1).unwrap();
        assert_eq!(NOBODY.len(), hash.len());
        assert_eq!(NOBODY[..7], hash[..7]);
        assert!(bcrypt::verify(secret.reveal(), NOBODY).is_ok_and(|same| !same));
    }

    #[test]
    fn marks_keep_the_borders_of_their_parts() {
        let cache = SecretCache::default();
        assert!(cache.mark(["ab", "c"]).is(&cache.mark(["ab", "c"])));
        assert!(!cache.mark(["ab", "c"]).is(&cache.mark(["a", "bc"])));
        assert!(!cache.mark(["a"]).is(&SecretCache::default().mark(["a"])));
    }

    #[test]
    fn the_oldest_marks_go_first() {
        let cache = SecretCache::default();
        let mut recent = Recent::default();
        for i in 0..=CAPACITY {
            recent.add(cache.mark([i.to_string().as_str()]));
        }
        assert!(!recent.has(&cache.mark(["0"])));
        assert!(recent.has(&cache.mark(["1"])));
        assert_eq!(recent.marks.len(), CAPACITY);
    }

    #[test]
    fn a_turnstile_lets_in_no_more_than_it_has_places() {
        let (turnstile, inside, most) =
            (Turnstile::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let _turn = turnstile.enter();
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 2);
        assert_eq!(*turnstile.free.lock(), 2);
    }
}
