//! Versions of the interface: which forms there are and how values are shown depends on the one a request names.

use std::fmt;

/// A version of the interface, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApiVersion {
    /// `2.0`
    V20,
    /// `2.1`, if a request names none.
    V21,
    /// `2.7`
    V27,
    /// `2.12`: lambdas stored up to here do not tell their version.
    V212,
    /// `3`
    V3,
    /// `4`
    V4,
    /// `5`
    V5,
    /// `UNSTABLE`
    Unstable,
}

impl ApiVersion {
    /// Of a lambda that does not tell its version.
    pub const LAMBDA_DEFAULT: ApiVersion = ApiVersion::V212;

    /// All of them.
    pub const ALL: [ApiVersion; 8] = [
        ApiVersion::V20,
        ApiVersion::V21,
        ApiVersion::V27,
        ApiVersion::V212,
        ApiVersion::V3,
        ApiVersion::V4,
        ApiVersion::V5,
        ApiVersion::Unstable,
    ];

    /// Reads `2.1`, `4` ...
    pub fn parse(text: &str) -> Option<ApiVersion> {
        ApiVersion::ALL
            .into_iter()
            .find(|version| version.text() == text)
    }

    /// As requests name it.
    pub fn text(self) -> &'static str {
        match self {
            ApiVersion::V20 => "2.0",
            ApiVersion::V21 => "2.1",
            ApiVersion::V27 => "2.7",
            ApiVersion::V212 => "2.12",
            ApiVersion::V3 => "3",
            ApiVersion::V4 => "4",
            ApiVersion::V5 => "5",
            ApiVersion::Unstable => "UNSTABLE",
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
