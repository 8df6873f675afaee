//! Secrets: their bytes, text, hash and scoped form (`spec access-control 1`).
//!
//! ```text
//! key    7E 70  id(8)               random(20)     30 bytes, 40 characters, fnA...
//! token  7E 71  id(8)  global id(8) random(20)     38 bytes, 51 characters, fnE...
//! ```
//!
//! A secret is never printed by `Debug` and never compared as text; only its bcrypt hash is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use std::fmt;

/// The cost the original uses. Secrets are 160 random bits: the hash need not be slow to be safe.
const COST: u32 = 5;
/// Random bytes of a secret.
const RANDOM: usize = 20;

/// The text of a secret, in plain. Neither compared nor printed.
#[derive(Clone)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// The text. To be shown once, to whoever created it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A new secret of a key.
    pub fn of_key(id: i64) -> Result<(Secret, String), rand::rngs::SysError> {
        Secret::generate(&[&[0x7E, 0x70][..], &id.to_be_bytes()])
    }

    /// A new secret of a token; `database` is the global id of the token's database.
    pub fn of_token(id: i64, database: i64) -> Result<(Secret, String), rand::rngs::SysError> {
        Secret::generate(&[
            &[0x7E, 0x71][..],
            &id.to_be_bytes(),
            &database.to_be_bytes(),
        ])
    }

    /// The secret and the hash to store.
    fn generate(head: &[&[u8]]) -> Result<(Secret, String), rand::rngs::SysError> {
        let mut random = [0; RANDOM];
        rand::rngs::SysRng.try_fill_bytes(&mut random)?;
        let mut bytes = head.concat();
        bytes.extend_from_slice(&random);
        let hash = hash_password(&URL_SAFE_NO_PAD.encode(random));
        Ok((Secret(URL_SAFE_NO_PAD.encode(bytes)), hash))
    }
}

/// A bcrypt hash of a password or of a secret's random part.
pub fn hash_password(password: &str) -> String {
    // bcrypt refuses only costs out of range and, truncating as the original does, no password.
    bcrypt::hash_with_salt(truncated(password), COST, salt())
        .map(|parts| parts.format_for_version(bcrypt::Version::TwoA))
        .unwrap_or_default()
}

/// Whether `password` hashes to `hash`; compares in constant time.
pub fn verify_password(password: &str, hash: &str) -> bool {
    bcrypt::verify(truncated(password), hash).unwrap_or(false)
}

/// bcrypt looks at 72 bytes, a final NUL included.
fn truncated(password: &str) -> &[u8] {
    &password.as_bytes()[..password.len().min(71)]
}

fn salt() -> [u8; 16] {
    let mut salt = [0; 16];
    // The system's generator failing leaves a salt of zeros: weaker, never wrong.
    let _ = rand::rngs::SysRng.try_fill_bytes(&mut salt);
    salt
}

/// What a secret's text says about itself, before anything is looked up.
#[derive(Clone)]
pub enum Decoded {
    /// A key.
    Key {
        /// The key's document id.
        id: i64,
        /// Text of the random part, which is what was hashed.
        random: String,
    },
    /// A token.
    Token {
        /// The token's document id.
        id: i64,
        /// Global id of its database.
        database: i64,
        /// Text of the random part.
        random: String,
    },
}

/// Decodes a secret in its present or its two legacy forms; `None` for anything that is not exactly one.
pub fn decode(text: &str) -> Option<Decoded> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let long = |at: usize| -> Option<i64> {
        Some(i64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
    };
    let random =
        |at: usize| -> Option<String> { Some(URL_SAFE_NO_PAD.encode(bytes.get(at..at + RANDOM)?)) };
    match (bytes.as_slice(), bytes.len()) {
        ([0x7E, 0x70, ..], 30) => Some(Decoded::Key {
            id: long(2)?,
            random: random(10)?,
        }),
        ([0x7E, 0x71, ..], 38) => Some(Decoded::Token {
            id: long(2)?,
            database: long(10)?,
            random: random(18)?,
        }),
        ([0x92, 0xA9, 0xCF, ..], 32) if bytes[11] == 0xB4 => Some(Decoded::Key {
            id: long(3)?,
            random: random(12)?,
        }),
        ([0x93, 0xAA, ..], 43)
            if bytes[10..14] == [0x00, 0x03, 0xA9, 0xCF] && bytes[22] == 0xB4 =>
        {
            Some(Decoded::Token {
                id: long(2)?,
                database: long(14)?,
                random: random(23)?,
            })
        }
        _ => None,
    }
}

/// A secret as presented, and the scope after it (`spec access-control 1.4`).
#[derive(Clone)]
pub struct Presented<'a> {
    /// The secret itself.
    pub secret: &'a str,
    /// Where and as what to act, if the suffix is a scope.
    pub scope: Option<Scope<'a>>,
}

/// A suffix of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// Names of databases, each within the one before; `None` without a path.
    pub path: Option<Vec<&'a str>>,
    /// What to act as.
    pub role: ScopeRole<'a>,
}

/// The role part of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeRole<'a> {
    /// `admin`, `server`, `server-readonly`, `client`
    Builtin(&'a str),
    /// `@role/NAME`
    Role(&'a str),
    /// `@doc/Collection/id`: the text after the slash.
    Document(&'a str),
}

/// Splits a presented secret; `None` where the syntax refuses it. Ordered choice: scope, then any suffix (which is
/// ignored), then no suffix.
pub fn parse_scoped(text: &str) -> Option<Presented<'_>> {
    let end = text
        .find(['/', ',', '(', ')', '&', '=', ':'])
        .unwrap_or(text.len());
    let (secret, rest) = text.split_at(end);
    if secret.is_empty() {
        return None;
    }
    if rest.is_empty() {
        return Some(Presented {
            secret,
            scope: None,
        });
    }
    let rest = rest.strip_prefix(':')?;
    match parse_scope(rest) {
        Parsed::Whole(scope) => Some(Presented {
            secret,
            scope: Some(scope),
        }),
        // A scope with more text behind it is an error; no scope at all is ignored.
        Parsed::Prefix => None,
        Parsed::No => Some(Presented {
            secret,
            scope: None,
        }),
    }
}

enum Parsed<'a> {
    Whole(Scope<'a>),
    Prefix,
    No,
}

fn parse_scope(text: &str) -> Parsed<'_> {
    // `[ dbpath ':' ] role`: the path is tried first.
    let end = text
        .find([',', '(', ')', '&', '=', ':'])
        .unwrap_or(text.len());
    if end > 0
        && let Some(after) = text[end..].strip_prefix(':')
        && let Some((role, rest)) = parse_role(after)
    {
        let mut path: Vec<&str> = text[..end].split('/').collect();
        while path.last().is_some_and(|name| name.is_empty()) {
            path.pop();
        }
        return match rest.is_empty() {
            true => Parsed::Whole(Scope {
                path: Some(path),
                role,
            }),
            false => Parsed::Prefix,
        };
    }
    match parse_role(text) {
        Some((role, "")) => Parsed::Whole(Scope { path: None, role }),
        Some(_) => Parsed::Prefix,
        None => Parsed::No,
    }
}

fn parse_role(text: &str) -> Option<(ScopeRole<'_>, &str)> {
    for builtin in ["admin", "server-readonly", "server", "client"] {
        if let Some(rest) = text.strip_prefix(builtin) {
            return Some((ScopeRole::Builtin(builtin), rest));
        }
    }
    let name = |rest: &str| {
        rest.find([',', '(', ')', '&', '=', ':'])
            .unwrap_or(rest.len())
    };
    if let Some(rest) = text.strip_prefix("@role/") {
        let end = name(rest);
        return (end > 0).then(|| (ScopeRole::Role(&rest[..end]), &rest[end..]));
    }
    for prefix in ["@doc/", "collections/", "classes/"] {
        if let Some(rest) = text.strip_prefix(prefix) {
            let end = name(rest);
            return (end > 0).then(|| (ScopeRole::Document(&rest[..end]), &rest[end..]));
        }
    }
    None
}

/// Alphabet of global ids.
const Z_BASE_32: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";

/// The text of a database's global id.
pub fn encode_global_id(id: i64) -> String {
    let id = id as u64;
    let high = (0..12).map(|i| (id >> (59 - 5 * i)) & 31);
    // The last four bits are shifted left by one.
    high.chain(std::iter::once((id & 15) << 1))
        .map(|group| char::from(Z_BASE_32[group as usize]))
        .collect()
}

/// The global id of a text, in either case.
pub fn decode_global_id(text: &str) -> Option<i64> {
    if text.len() != 13 {
        return None;
    }
    let mut id = 0u64;
    for (i, c) in text.bytes().enumerate() {
        let group = Z_BASE_32
            .iter()
            .position(|b| *b == c.to_ascii_lowercase())? as u64;
        id = match i {
            12 => (id << 4) | (group >> 1),
            _ => (id << 5) | group,
        };
    }
    Some(id as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_of_the_specification() {
        let id = |text: &str| match decode(text) {
            Some(Decoded::Key { id, .. }) => ("key", id, 0),
            Some(Decoded::Token { id, database, .. }) => ("token", id, database),
            None => ("nothing", 0, 0),
        };
        assert_eq!(
            id("fnB__________wAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            ("key", i64::MAX, 0)
        );
        assert_eq!(
            id("fnF__________3__________AAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            ("token", i64::MAX, i64::MAX)
        );
        assert_eq!(
            id("kqnPf_________-0AAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            ("key", i64::MAX, 0)
        );
        assert_eq!(
            id("k6p__________wADqc9__________7QAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            ("token", i64::MAX, i64::MAX)
        );
        assert_eq!(
            id("fnAFH0bcpiACI-pzd2WhCxKlFCZqHf7ZJWZ9YQ54"),
            ("key", 369091607961535011, 0)
        );
        assert_eq!(
            id("fnAFH0bcpiACI-pzd2WhCxKlFCZqHf7ZJWZ9YQ5"),
            ("nothing", 0, 0)
        );
        assert_eq!(id("secret"), ("nothing", 0, 0));
    }

    #[test]
    fn a_generated_secret_verifies_against_its_hash() {
        let (secret, hash) = Secret::of_token(7, 9).unwrap();
        assert_eq!(secret.reveal().len(), 51);
        assert!(hash.starts_with("$2a$05$") && hash.len() == 60, "{hash}");
        match decode(secret.reveal()) {
            Some(Decoded::Token {
                id: 7,
                database: 9,
                random,
            }) => assert!(verify_password(&random, &hash)),
            _ => panic!("a token"),
        }
        assert!(!verify_password("another", &hash));
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }

    #[test]
    fn global_ids_are_z_base_32() {
        assert_eq!(encode_global_id(0), "yyyyyyyyyyyyy");
        assert_eq!(encode_global_id(i64::MAX), "x999999999996");
        assert_eq!(encode_global_id(369090607950332451), "ywxwmh6o4ybng");
        assert_eq!(decode_global_id("YWXWMH6O4YBNG"), Some(369090607950332451));
        assert_eq!(decode_global_id("ywxwmh6o4ybn"), None);
        assert_eq!(decode_global_id("ywxwmh6o4ybnl"), None);
    }

    #[test]
    fn scopes_follow_the_ordered_choice() {
        let scope = |text| parse_scoped(text).map(|p| p.scope);
        let whole = |path: Option<Vec<&'static str>>, role| Some(Some(Scope { path, role }));
        assert_eq!(scope("s:admin"), whole(None, ScopeRole::Builtin("admin")));
        assert_eq!(
            scope("s:server-readonly"),
            whole(None, ScopeRole::Builtin("server-readonly"))
        );
        assert_eq!(
            scope("s:a/b:@role/r"),
            whole(Some(vec!["a", "b"]), ScopeRole::Role("r"))
        );
        assert_eq!(
            scope("s:a/b/:server"),
            whole(Some(vec!["a", "b"]), ScopeRole::Builtin("server"))
        );
        assert_eq!(
            scope("s:/:server"),
            whole(Some(vec![]), ScopeRole::Builtin("server"))
        );
        assert_eq!(scope("s:@doc/C/1"), whole(None, ScopeRole::Document("C/1")));
        assert_eq!(scope("s:kid"), Some(None));
        assert_eq!(scope("s:"), Some(None));
        assert_eq!(scope("s:kid:nobody"), Some(None));
        assert_eq!(scope("s:administrator"), None);
        assert_eq!(scope("s/x"), None);
        assert_eq!(scope("s"), Some(None));
    }
}
