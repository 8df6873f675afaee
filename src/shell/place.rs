//! Where the shell is and whom it acts as: the starting authority, and a secret put on over it.
//!
//! The starting authority keeps its place while a secret is worn, and is back there when it is taken off. Names of
//! databases above the starting authority's own are never shown: whoever starts with a child's secret cannot tell
//! from the prompt that there is a parent.

use crate::engine::{CredentialKind, QueryError, Session, Whoami};
use crate::value::Str;

/// The place and the authority.
pub(super) struct Place {
    start: Session,
    /// The database of the starting authority; names above it are not shown.
    base: Vec<Str>,
    worn: Option<Session>,
}

impl Place {
    /// Begins with an authority, if it is good.
    pub(super) fn start(session: Session) -> Result<Place, String> {
        let whoami = session.whoami().map_err(|error| refusal(&error))?;
        Ok(Place {
            base: whoami.home,
            start: session,
            worn: None,
        })
    }

    /// Acts here now.
    pub(super) fn session(&self) -> &Session {
        self.worn.as_ref().unwrap_or(&self.start)
    }

    /// Puts a secret on.
    pub(super) fn wear(&mut self, secret: &str) -> Result<(), String> {
        let session = self.start.with_secret(secret);
        session.whoami().map_err(|error| match error.status {
            401 => "this secret opens nothing: unknown, expired, deleted, or for a database that is gone"
                .to_string(),
            _ => error.message,
        })?;
        self.worn = Some(session);
        Ok(())
    }

    /// Returns to the starting authority.
    pub(super) fn take_off(&mut self) {
        self.worn = None;
    }

    /// Goes to another database: `a/b` below this one, `..`, `/`.
    pub(super) fn go(&mut self, path: &str) -> Result<(), String> {
        let mut names = match path.starts_with('/') {
            true => Vec::new(),
            false => self.session().path().to_vec(),
        };
        for name in path
            .split('/')
            .filter(|name| !name.is_empty() && *name != ".")
        {
            if name != ".." {
                names.push(name.into());
            } else if names.pop().is_none() {
                return Err("this is the topmost database that the authority reaches".to_string());
            }
        }
        let session = self.session().in_database(names);
        self.change(session, &format!("go to `{path}`"))
    }

    /// Acts as a role; `None`: as the credential's own.
    pub(super) fn act_as(&mut self, role: Option<&str>) -> Result<(), String> {
        let session = self.session().with_role(role.map(Into::into));
        match role {
            Some(role) => self.change(session, &format!("act as `{role}`")),
            None => self.change(session, "stop acting as a role"),
        }
    }

    fn change(&mut self, session: Session, doing: &str) -> Result<(), String> {
        let before = self.session().whoami().map_err(|error| refusal(&error))?;
        if matches!(
            before.credential,
            CredentialKind::Token(_) | CredentialKind::Jwt
        ) {
            return Err(format!(
                "cannot {doing}: a token acts as itself, in its own database"
            ));
        }
        let known = session.whoami();
        known.map_err(|error| match error.status {
            401 => format!(
                "cannot {doing}: there is no such database, role or document, or this authority ({}) may not",
                authority(&before)
            ),
            _ => error.message,
        })?;
        match &mut self.worn {
            Some(worn) => *worn = session,
            None => self.start = session,
        }
        Ok(())
    }

    /// `CoffeeStore/internal (admin)> `
    pub(super) fn prompt(&self) -> String {
        match self.session().whoami() {
            Ok(whoami) => format!("{} ({})> ", self.path_text(&whoami), authority(&whoami)),
            Err(error) if error.status == 401 => "(unauthorized)> ".to_string(),
            Err(_) => "(unavailable)> ".to_string(),
        }
    }

    /// The lines of `:whoami`.
    pub(super) fn describe(&self) -> Result<String, QueryError> {
        let whoami = self.session().whoami()?;
        let credential = match &whoami.credential {
            CredentialKind::Root => "root (the owner of the file)".to_string(),
            CredentialKind::Key(id) => format!("key {}", id.0),
            CredentialKind::Token(id) => format!("token {}", id.0),
            CredentialKind::Jwt => "a JWT of an access provider".to_string(),
            CredentialKind::Elsewhere => "a secret of the server".to_string(),
        };
        let mut text = format!(
            "database:   {}\ncredential: {credential}\nrole:       {}",
            self.path_text(&whoami),
            match whoami.roles.is_empty() {
                true => "none".to_string(),
                false => whoami.roles.join(", "),
            }
        );
        if let Some((collection, id)) = &whoami.identity {
            text.push_str(&format!("\nidentity:   {collection}(\"{}\")", id.0));
        }
        Ok(text)
    }

    /// The path as this shell may show it.
    pub(super) fn path_text(&self, whoami: &Whoami) -> String {
        let names = match whoami.path.strip_prefix(&self.base[..]) {
            Some(names) => names,
            // A secret from elsewhere: its own database is all that is known.
            None => whoami
                .path
                .strip_prefix(&whoami.home[..])
                .unwrap_or_default(),
        };
        match names.is_empty() {
            true => "/".to_string(),
            false => names.join("/"),
        }
    }
}

/// What the authority is called: `root`, a role, roles, or the document.
fn authority(whoami: &Whoami) -> String {
    if let Some((collection, id)) = &whoami.identity {
        return format!("@doc/{collection}/{}", id.0);
    }
    match (&whoami.credential, &whoami.roles[..]) {
        (CredentialKind::Root, [role]) if **role == *"admin" => "root".to_string(),
        (_, []) => "no role".to_string(),
        (_, roles) => roles.join(", "),
    }
}

fn refusal(error: &QueryError) -> String {
    match error.status {
        401 => "the secret, database or role is not valid: access denied".to_string(),
        _ => error.message.clone(),
    }
}

/// `a/b` as names; empty elements at the ends do not count.
pub(super) fn split_path(path: &str) -> Vec<Str> {
    path.split('/')
        .filter(|name| !name.is_empty())
        .map(Into::into)
        .collect()
}
