//! JSON web tokens of access providers (`spec access-control 6.2`).
//!
//! [`read`] takes a token apart without believing it; the engine finds the database by `aud` and the provider by
//! `iss`; [`Token::verify`] checks the signature against the provider's keys ([`super::jwks`]). Symmetric algorithms
//! are refused whatever the key set says: a public key must never serve as a shared secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde_json::Value as Json;

/// What every audience begins with; a database's global id follows.
pub const AUDIENCE: &str = "https://db.fauna.com/db/";

/// A token that has not been verified.
pub struct Token<'a> {
    /// Its claims.
    pub claims: Json,
    /// Issuer.
    pub issuer: String,
    /// Global id in its one audience that names a database here.
    pub database: i64,
    algorithm: Algorithm,
    kid: Option<String>,
    signed: &'a str,
    signature: &'a str,
}

/// Whether a bearer text is a JWT rather than a secret.
pub fn looks_like(text: &str) -> bool {
    text.starts_with("ey") && text.contains('.')
}

/// Takes a token apart; `None` for anything malformed, expired, not yet valid or of a refused algorithm.
/// `now` is in seconds.
pub fn read(text: &str, now: f64) -> Option<Token<'_>> {
    let (signed, signature) = text.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let json = |part: &str| -> Option<Json> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    };
    let (header, claims) = (json(header)?, json(payload)?);
    let algorithm = match header.get("alg")?.as_str()? {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        _ => return None,
    };
    if claims
        .get("exp")
        .is_some_and(|exp| exp.as_f64().is_none_or(|exp| now >= exp))
    {
        return None;
    }
    if claims
        .get("nbf")
        .is_some_and(|nbf| nbf.as_f64().is_none_or(|nbf| now <= nbf))
    {
        return None;
    }
    let audiences: Vec<&str> = match claims.get("aud")? {
        Json::String(one) => vec![one],
        Json::Array(many) => many.iter().filter_map(Json::as_str).collect(),
        _ => return None,
    };
    let mut ours = audiences
        .iter()
        .filter_map(|audience| audience.strip_prefix(AUDIENCE));
    let (first, second) = (ours.next()?, ours.next());
    if second.is_some() {
        return None;
    }
    let database = super::secret::decode_global_id(first)?;
    let issuer = claims.get("iss")?.as_str()?.to_string();
    let kid = header.get("kid").and_then(Json::as_str).map(str::to_string);
    Some(Token {
        issuer,
        database,
        algorithm,
        kid,
        signed,
        signature,
        claims,
    })
}

impl Token<'_> {
    /// When it expires, in seconds since 1970.
    pub fn expires(&self) -> Option<f64> {
        self.claims.get("exp").and_then(Json::as_f64)
    }

    /// The key of a set that should verify it: by `kid`; one without is served by the only key, or by the first without.
    pub fn key<'s>(&self, keys: &'s JwkSet) -> Option<&'s Jwk> {
        match (&self.kid, keys.keys.as_slice()) {
            (Some(kid), _) => keys.find(kid),
            (None, [only]) => Some(only),
            (None, many) => many.iter().find(|key| key.common.key_id.is_none()),
        }
    }

    /// Whether the signature is the key's.
    pub fn verify(&self, key: &Jwk) -> bool {
        let Ok(decoding) = jsonwebtoken::DecodingKey::from_jwk(key) else {
            return false;
        };
        // The key's own algorithm, where it names one, must be the token's: no switching of families.
        if key
            .common
            .key_algorithm
            .is_some_and(|named| named.to_string() != format!("{:?}", self.algorithm))
        {
            return false;
        }
        jsonwebtoken::crypto::verify(
            self.signature,
            self.signed.as_bytes(),
            &decoding,
            self.algorithm,
        )
        .unwrap_or(false)
    }
}
