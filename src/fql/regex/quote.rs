//! Quotation in patterns, undone before they are read.

/// Replaces `\Q...\E` by escaped characters.
pub(super) fn unquote(chars: Vec<char>) -> Vec<char> {
    let mut out = Vec::with_capacity(chars.len());
    let mut i = 0;
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('\\', Some('Q')) => {
                i += 2;
                while i < chars.len() && !(chars[i] == '\\' && chars.get(i + 1) == Some(&'E')) {
                    let c = chars[i];
                    match c {
                        // A digit must not lengthen an escape before it.
                        '0'..='9' => out.extend(['\\', 'x', '3', c]),
                        _ if c.is_ascii() && !c.is_ascii_alphabetic() => out.extend(['\\', c]),
                        _ => out.push(c),
                    }
                    i += 1;
                }
                i += 2;
            }
            ('\\', Some(c)) => {
                out.extend(['\\', *c]);
                i += 2;
            }
            (c, _) => {
                out.push(c);
                i += 1;
            }
        }
    }
    out
}
