//! What was typed, for the arrow keys and Ctrl-R, kept in the user's state directory and shared between shells.
//!
//! It never holds a secret: lines with `:secret` are not kept, and whatever has the shape of a secret is masked.

use std::borrow::Cow;
use std::path::PathBuf;

/// Entries kept.
pub(super) const LENGTH: usize = 10_000;

/// `$XDG_STATE_HOME/fql/history`, or `~/.local/state/fql/history`; `FQL_HISTORY` names another file, and none if
/// empty.
pub(super) fn file() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("FQL_HISTORY") {
        return (!path.is_empty()).then(|| path.into());
    }
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    Some(state.join("fql").join("history"))
}

/// What of an entry is kept: nothing if it hands over a secret.
pub(super) fn kept(entry: &str) -> Option<Cow<'_, str>> {
    let hands_over = entry.lines().any(|line| {
        let line = line.trim_start();
        let word = line.strip_prefix([':', '.']).unwrap_or_default();
        word.split_whitespace().next() == Some("secret")
    });
    (!hands_over && !entry.trim().is_empty()).then(|| without_secrets(entry))
}

/// A text with everything that has the shape of a secret masked.
pub(super) fn without_secrets(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("fn")) {
        let start = at + found;
        let word_before = text
            .get(..start)
            .and_then(|before| before.chars().next_back())
            .is_some_and(is_secret_char);
        let length = text.get(start..).map_or(0, secret_length);
        if word_before || length == 0 {
            at = start + 2;
            continue;
        }
        out.push_str(text.get(copied..start).unwrap_or_default());
        out.push_str("fn********");
        at = start + length;
        copied = at;
    }
    match copied {
        0 => Cow::Borrowed(text),
        _ => {
            out.push_str(text.get(copied..).unwrap_or_default());
            Cow::Owned(out)
        }
    }
}

/// The length of the secret that a text begins with; 0 if it does not.
fn secret_length(text: &str) -> usize {
    let length = text.find(|c| !is_secret_char(c)).unwrap_or(text.len());
    let kind = text.as_bytes().get(2).copied().unwrap_or_default();
    if (b'A'..=b'H').contains(&kind) && length >= 40 {
        length
    } else {
        0
    }
}

fn is_secret_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "fnAFH0bcpiACI-pzd2WhCxKlFCZqHf7ZJWZ9YQ54";

    #[test]
    fn secrets_are_masked() {
        let masked = |text: &str| without_secrets(text).into_owned();
        assert_eq!(
            masked(&format!("let s = \"{SECRET}\"")),
            "let s = \"fn********\""
        );
        assert_eq!(
            masked(&format!("{SECRET} {SECRET}:admin")),
            "fn******** fn********:admin"
        );
        assert_eq!(masked("fnord(fnA)"), "fnord(fnA)");
        assert_eq!(masked("é fn"), "é fn");
    }

    #[test]
    fn commands_with_secrets_are_forgotten() {
        for entry in [":secret x", "  .secret", "1\n:secret = k.secret", " "] {
            assert_eq!(kept(entry), None, "{entry}");
        }
        assert_eq!(kept(":secrets").as_deref(), Some(":secrets"));
        assert_eq!(kept("Key.all()").as_deref(), Some("Key.all()"));
    }
}
