//! `multipart/form-data`, as schema files come in (`spec schema-fsl 12`): the name of a field is that of a file.

/// Files a database may have, `main.fsl` always counted.
const MAX_FILES: usize = 1024;

/// The file that definitions without a place go to.
const MAIN: &str = "main.fsl";

/// Whether a body of this type is an upload.
pub fn is_multipart(content_type: &str) -> bool {
    content_type.starts_with("multipart/")
}

/// The files in a body, or what is wrong with it.
pub fn files(content_type: &str, body: &[u8]) -> Result<Vec<(String, String)>, String> {
    let boundary = boundary(content_type).ok_or("Request is not a valid multipart request")?;
    let parts = parts(body, &boundary).ok_or("Invalid request")?;
    if parts.len() > MAX_FILES {
        return Err("Too many files".into());
    }
    if let Some((name, _)) = parts.iter().find(|(name, _)| !is_file_name(name)) {
        return Err(format!("Invalid filename `{name}`"));
    }
    let has_main = parts.iter().any(|(name, _)| name == MAIN);
    if parts.len() + usize::from(!has_main) > MAX_FILES {
        return Err("Too many files".into());
    }
    for (at, (name, _)) in parts.iter().enumerate() {
        if parts.iter().take(at).any(|(other, _)| other == name) {
            return Err(format!("Duplicate file `{name}`"));
        }
    }
    Ok(parts)
}

fn is_file_name(name: &str) -> bool {
    name.ends_with(".fsl") && !name.starts_with('*')
}

/// What separates the parts, if the type is of a form and says it.
fn boundary(content_type: &str) -> Option<String> {
    let mut parameters = content_type.split(';');
    let media = parameters.next()?.trim();
    if !media.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_it = name.trim().eq_ignore_ascii_case("boundary");
        is_it.then(|| value.trim().trim_matches('"').to_string())
    })?;
    (!boundary.is_empty()).then_some(boundary)
}

/// Names and contents; `None` if the body is not made of parts.
fn parts(body: &[u8], boundary: &str) -> Option<Vec<(String, String)>> {
    let delimiter = format!("--{boundary}");
    let mut rest = Lines(body);
    let mut first = rest.next();
    // Blank lines may come first.
    while first.is_some_and(|line| line.trim_ascii().is_empty()) {
        first = rest.next();
    }
    let Some(first) = first else {
        return Some(Vec::new());
    };
    let mut found = Vec::new();
    let mut ended = is_delimiter(first, &delimiter)?;
    while !ended {
        let mut name = None;
        loop {
            let line = rest.next()?.trim_ascii();
            if line.is_empty() {
                break;
            }
            name = name.or_else(|| field_name(line));
        }
        let name = name?;
        let content = rest.0;
        let mut length = 0;
        ended = loop {
            let line = rest.next()?;
            if let Some(last) = is_delimiter(line, &delimiter) {
                break last;
            }
            length = content.len() - rest.0.len();
        };
        let content = content.get(..length)?;
        // The line end before a delimiter belongs to it.
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        found.push((name, String::from_utf8_lossy(content).into_owned()));
    }
    Some(found)
}

/// Whether a line separates parts: `Some(true)` if it is the last that does.
fn is_delimiter(line: &[u8], delimiter: &str) -> Option<bool> {
    let rest = line.strip_prefix(delimiter.as_bytes())?.trim_ascii_end();
    match rest {
        b"" => Some(false),
        b"--" => Some(true),
        _ => None,
    }
}

/// The name in `Content-Disposition: form-data; name="..."`.
fn field_name(line: &[u8]) -> Option<String> {
    let line = String::from_utf8_lossy(line);
    let (header, value) = line.split_once(':')?;
    if !header.trim().eq_ignore_ascii_case("content-disposition") {
        return None;
    }
    let at = value.find("name=")?;
    // `filename=` is another parameter.
    let at = match value.get(..at)?.ends_with("file") {
        true => at + 5 + value.get(at + 5..)?.find("name=")?,
        false => at,
    };
    let value = value.get(at + 5..)?;
    Some(match value.strip_prefix('"') {
        Some(quoted) => {
            let mut name = String::new();
            let mut letters = quoted.chars();
            loop {
                match letters.next()? {
                    '"' => break name,
                    '\\' => name.push(letters.next()?),
                    letter => name.push(letter),
                }
            }
        }
        None => value.split(';').next()?.trim().to_string(),
    })
}

/// Lines with their ends, the rest of a text always at hand.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().position(|byte| *byte == b'\n');
        let (line, rest) = self.0.split_at(end.map_or(self.0.len(), |end| end + 1));
        self.0 = rest;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=x";

    fn one(body: &str) -> Result<Vec<(String, String)>, String> {
        files(TYPE, body.as_bytes())
    }

    #[test]
    fn parts_are_files() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"a.fsl\"; filename=\"z\"\r\n\
            Content-Type: text/plain\r\n\r\nrole a {}\r\n\r\n--x\r\n\
            content-disposition: form-data; filename=\"q\"; name=b.fsl\r\n\r\n\r\n--x--\r\n";
        let expected = [("a.fsl", "role a {}\r\n"), ("b.fsl", "")];
        let expected = expected.map(|(name, text)| (name.to_string(), text.to_string()));
        assert_eq!(one(body), Ok(expected.to_vec()));
        assert_eq!(one(""), Ok(Vec::new()));
        assert_eq!(one("--x--"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_upload_is_told() {
        let part = |name: &str| {
            format!("--x\nContent-Disposition: form-data; name=\"{name}\"\n\nrole a {{}}\n--x--")
        };
        assert_eq!(one(&part("foo")), Err("Invalid filename `foo`".into()));
        assert_eq!(
            one(&part("*fsl*.fsl")),
            Err("Invalid filename `*fsl*.fsl`".into())
        );
        assert_eq!(one("junk"), Err("Invalid request".into()));
        assert_eq!(one("--x\r\n\r\n--x--"), Err("Invalid request".into()));
        assert_eq!(
            one("--x\nContent-Disposition: form-data; name=\"a.fsl\"\n\nrole"),
            Err("Invalid request".into())
        );
        for wrong in [
            "multipart/form-data",
            "multipart/form-data;",
            "multipart/mixed; boundary=x",
        ] {
            let message = "Request is not a valid multipart request";
            assert_eq!(files(wrong, b""), Err(message.into()), "{wrong}");
        }
    }

    #[test]
    fn files_are_counted() {
        let body = |count: usize, main: bool| {
            let mut names: Vec<String> = (0..count).map(|at| format!("f{at}.fsl")).collect();
            names.extend(main.then(|| "main.fsl".to_string()));
            let parts = names.iter().map(|name| {
                format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n\r\n")
            });
            parts.collect::<String>() + "--x--"
        };
        assert_eq!(one(&body(1023, false)).map(|files| files.len()), Ok(1023));
        assert_eq!(one(&body(1023, true)).map(|files| files.len()), Ok(1024));
        for (count, main) in [(1024, false), (1024, true), (1025, false)] {
            assert_eq!(one(&body(count, main)), Err("Too many files".into()));
        }
    }
}
