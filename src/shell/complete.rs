//! Completion by context, and signatures as hints.

use super::Shell;
use super::bindings::Bindings;
use super::commands::{self, Argument, COMMANDS};
use super::complete_legacy;
use super::help;
use super::language::{CurrentLanguage, Language};
use crate::engine::{FieldOutline, Member, Outline, Request, Session};
use crate::fql::interp::{GlobalKind, Library};
use crate::fql::syntax::{TokenKind, tokens};
use rustyline::completion::{FilenameCompleter, Pair};
use std::sync::Arc;

/// What completion knows of the shell's place.
pub(super) struct Context {
    pub(super) language: CurrentLanguage,
    library: Arc<Library>,
    session: Session,
    outline: Outline,
    bindings: Bindings,
    files: FilenameCompleter,
}

impl Context {
    pub(super) fn new(shell: &Shell) -> Context {
        let language = CurrentLanguage::default();
        language.set(shell.language);
        Context {
            language,
            library: shell.engine.library().clone(),
            session: shell.place.session().clone(),
            outline: Outline::default(),
            bindings: Bindings::default(),
            files: FilenameCompleter::new(),
        }
    }

    /// What can follow an expression and a dot.
    fn members(&self, receiver: &str) -> Vec<Member> {
        let request = Request {
            arguments: self.bindings.used_by(receiver),
            ..Request::text(receiver)
        };
        let found = self.session.type_at(&request, receiver.len());
        let members = found.map(|at| at.members).unwrap_or_default();
        // Operators are members too, but are not written after a dot.
        members
            .into_iter()
            .filter(|member| {
                member
                    .name
                    .starts_with(|c: char| c.is_alphabetic() || c == '_')
            })
            .collect()
    }

    /// What is defined here.
    pub(super) fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Names that the shell keeps.
    pub(super) fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// Where the shell is.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Takes note of where the shell is now.
    pub(super) fn refresh(&mut self, shell: &Shell) {
        self.language.set(shell.language);
        self.library = shell.engine.library().clone();
        self.session = shell.place.session().clone();
        self.outline = self.session.outline().unwrap_or_default();
        self.bindings = shell.bindings.clone();
    }
}

/// Candidates at a place, and where the word they replace begins.
pub(super) fn complete(
    context: &Context,
    line: &str,
    pos: usize,
    _: &rustyline::Context<'_>,
) -> rustyline::Result<(usize, Vec<Pair>)> {
    let before = line.get(..pos).unwrap_or_default();
    if let Some(candidates) = command(context, before, line, pos)? {
        return Ok(candidates);
    }
    Ok(names(context, before))
}

/// The signature of the function that is being written or called at a place: `slice(start: Int) => String`.
pub(super) fn signature(context: &Context, line: &str, pos: usize) -> Option<String> {
    let before = line.get(..pos)?;
    if pos != line.trim_end().len() || before.trim_start().starts_with(':') {
        return None;
    }
    if context.language.get() == Language::V4 {
        return complete_legacy::signature(before);
    }
    let (end, name) = called(before)?;
    let text = before.get(..end)?;
    match text
        .strip_suffix('.')
        .map(|text| text.strip_suffix('?').unwrap_or(text))
    {
        Some(receiver) => {
            let members = context.members(receiver);
            let member = members.into_iter().find(|member| *member.name == *name)?;
            Some(shown(&member))
        }
        None => match &context.library.global(name)?.kind {
            GlobalKind::Function(member) => help::usage("", member).into_iter().next(),
            GlobalKind::Module(_) | GlobalKind::Collection(..) => None,
        },
    }
}

/// The function whose call the text ends in, `a.slice(1`, or the name it ends with; and where that name begins.
fn called(before: &str) -> Option<(usize, &str)> {
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut previous: Option<(usize, usize, TokenKind)> = None;
    for (span, kind) in tokens(before) {
        let (start, end) = (span.start as usize, span.end as usize);
        match kind {
            TokenKind::Open => open.push(match previous {
                Some((start, end, TokenKind::Function)) => (start, end),
                Some(_) | None => (0, 0),
            }),
            TokenKind::Close => {
                open.pop();
            }
            _ => {}
        }
        previous = Some((start, end, kind));
    }
    let (start, end) = match previous? {
        (start, end, TokenKind::Name | TokenKind::Function | TokenKind::Field)
            if end == before.len() =>
        {
            (start, end)
        }
        _ => *open.last()?,
    };
    let name = before.get(start..end).filter(|name| !name.is_empty())?;
    Some((start, name))
}

/// A member with its type as people write it: `slice(start: Number) => String`, `length: Number`.
fn shown(member: &Member) -> String {
    match member.signature.starts_with('(') {
        true => format!("{}{}", member.name, member.signature),
        false => format!("{}: {}", member.name, member.signature),
    }
}

fn command(
    context: &Context,
    before: &str,
    line: &str,
    pos: usize,
) -> rustyline::Result<Option<(usize, Vec<Pair>)>> {
    if !before.starts_with(':') {
        return Ok(None);
    }
    let Some(blank) = before.find(char::is_whitespace) else {
        let word = before.trim_start_matches(':');
        let found = COMMANDS
            .iter()
            .filter(|command| command.name.starts_with(word));
        let pairs = found.map(|command| Pair {
            display: format!(":{} {}", command.name, command.arguments)
                .trim_end()
                .to_string(),
            replacement: match command.arguments {
                "" => format!(":{}", command.name),
                _ => format!(":{} ", command.name),
            },
        });
        return Ok(Some((0, pairs.collect())));
    };
    let Some(info) = commands::find(before.get(1..blank).unwrap_or_default()) else {
        return Ok(Some((pos, Vec::new())));
    };
    let start = blank + 1;
    let word = before.get(start..).unwrap_or_default().trim_start();
    let start = pos - word.len();
    let words = |words: Vec<String>| {
        let found = words
            .into_iter()
            .filter(|candidate| candidate.starts_with(word));
        Some((
            start,
            found
                .map(|w| Pair {
                    display: w.clone(),
                    replacement: w,
                })
                .collect(),
        ))
    };
    Ok(match info.argument {
        Argument::None | Argument::Secret => Some((pos, Vec::new())),
        Argument::Words(list) => words(list.iter().map(|w| w.to_string()).collect()),
        Argument::File => Some(context.files.complete_path(line, pos)?),
        Argument::Role => {
            let builtin = ["admin", "server", "server-readonly", "-"].map(String::from);
            let roles = context
                .outline
                .roles
                .iter()
                .map(|role| format!("@role/{role}"));
            let docs = context
                .outline
                .collections
                .iter()
                .map(|c| format!("@doc/{}/", c.name));
            words(builtin.into_iter().chain(roles).chain(docs).collect())
        }
        Argument::Database => {
            let (parent, _) = word.rsplit_once('/').unwrap_or(("", word));
            let lead = match word.rfind('/') {
                Some(at) => word.get(..=at).unwrap_or_default(),
                None => "",
            };
            let mut path = match word.starts_with('/') {
                true => Vec::new(),
                false => context.session.path().to_vec(),
            };
            for name in parent.split('/').filter(|name| !name.is_empty()) {
                if name == ".." {
                    path.pop();
                } else {
                    path.push(name.into());
                }
            }
            let session = context.session.in_database(path);
            let children = commands::child_databases(&session).unwrap_or_default();
            words(
                children
                    .into_iter()
                    .map(|name| format!("{lead}{name}"))
                    .collect(),
            )
        }
        Argument::Topic => {
            let shapes = context
                .library
                .shapes()
                .iter()
                .map(|shape| shape.name.split('<').next().unwrap_or(shape.name));
            let mut topics: Vec<String> = Vec::new();
            match word.rsplit_once('.') {
                Some((owner, _)) => {
                    for shape in context.library.shapes() {
                        if shape
                            .name
                            .split('<')
                            .next()
                            .is_some_and(|n| n.eq_ignore_ascii_case(owner))
                        {
                            topics.extend(
                                shape.members.iter().map(|m| format!("{owner}.{}", m.name)),
                            );
                        }
                    }
                }
                None => {
                    if context.language.get() == Language::V4 {
                        topics.extend(help::legacy_topics().map(String::from));
                    }
                    topics.extend(COMMANDS.iter().map(|command| command.name.to_string()));
                    topics.extend(shapes.map(String::from));
                    topics.extend(context.library.globals().iter().map(|g| g.name.to_string()));
                }
            }
            topics.sort();
            topics.dedup();
            words(topics)
        }
        Argument::Expression => Some(names(context, before)),
    })
}

/// The fields that may be written at the end of a text, if that is in the object given to `create`, `update` or
/// `replace` of a collection with defined fields: `Item.create({ name: "x", `.
fn fields<'c>(context: &'c Context, lead: &str) -> Option<&'c [FieldOutline]> {
    let tokens = tokens(lead);
    let text = |at: usize| {
        let (span, _) = tokens.get(at)?;
        lead.get(span.start as usize..span.end as usize)
    };
    if !matches!(text(tokens.len().checked_sub(1)?)?, "{" | ",") {
        return None;
    }
    let mut depth = 0;
    let brace = (0..tokens.len()).rev().find(|at| {
        match tokens[*at].1 {
            TokenKind::Close => depth += 1,
            TokenKind::Open if depth == 0 => return true,
            TokenKind::Open => depth -= 1,
            _ => {}
        }
        false
    })?;
    if text(brace)? != "{" || text(brace.checked_sub(1)?)? != "(" {
        return None;
    }
    let method = text(brace.checked_sub(2)?)?;
    if ![
        "create",
        "createData",
        "update",
        "updateData",
        "replace",
        "replaceData",
    ]
    .contains(&method)
    {
        return None;
    }
    // The collection that the expression begins with, as far as that can be seen.
    let chain = (0..brace.saturating_sub(2)).rev();
    let name = chain.map(text).find_map(|word| {
        let word = word?;
        context
            .outline
            .collections
            .iter()
            .find(|c| *c.name == *word || c.alias.as_deref() == Some(word))
    })?;
    Some(&name.fields)
}

/// Names that a query may use at the end of a text.
fn names(context: &Context, before: &str) -> (usize, Vec<Pair>) {
    if context.language.get() == Language::V4 {
        return complete_legacy::names(context, before);
    }
    let word_at = before
        .rfind(|c: char| !(c.is_alphanumeric() || c == '_'))
        .map_or(0, |at| {
            at + before
                .get(at..)
                .and_then(|s| s.chars().next())
                .map_or(1, char::len_utf8)
        });
    let word = before.get(word_at..).unwrap_or_default();
    let lead = before.get(..word_at).unwrap_or_default();
    if let Some(receiver) = lead.strip_suffix('.') {
        let receiver = receiver.strip_suffix('?').unwrap_or(receiver);
        let members = context.members(receiver).into_iter();
        let found = members.filter(|member| member.name.starts_with(word));
        let pairs = found.map(|member| Pair {
            display: shown(&member),
            replacement: member.name.to_string(),
        });
        return (word_at, pairs.collect());
    }
    if let Some(fields) = fields(context, lead) {
        let found = fields
            .iter()
            .filter(|field| field.name.starts_with(word) && !field.computed);
        let pairs = found.map(|field| Pair {
            display: match &field.ty {
                Some(ty) => format!("{}: {ty}", field.name),
                None => field.name.to_string(),
            },
            replacement: format!("{}: ", field.name),
        });
        return (word_at, pairs.collect());
    }
    let mut pairs: Vec<Pair> = Vec::new();
    let mut add = |name: &str, display: String| {
        if name.starts_with(word) && !pairs.iter().any(|pair| pair.replacement == name) {
            pairs.push(Pair {
                display,
                replacement: name.to_string(),
            });
        }
    };
    for collection in &context.outline.collections {
        add(&collection.name, collection.name.to_string());
    }
    for function in &context.outline.functions {
        add(function, format!("{function}()"));
    }
    for name in context.bindings.names() {
        add(name, name.to_string());
    }
    for global in context.library.globals() {
        let display = match &global.kind {
            GlobalKind::Function(member) => help::usage("", member)
                .into_iter()
                .next()
                .unwrap_or_default(),
            GlobalKind::Module(_) | GlobalKind::Collection(..) => global.name.to_string(),
        };
        add(global.name, display);
    }
    for keyword in ["let", "if", "else", "at", "isa", "true", "false", "null"] {
        add(keyword, keyword.to_string());
    }
    (word_at, pairs)
}
