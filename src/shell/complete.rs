//! Completion by context, and signatures as hints.

use super::Shell;
use super::commands::{self, Argument, COMMANDS};
use super::help;
use crate::engine::{Outline, Session};
use crate::fql::interp::{GlobalKind, Library};
use rustyline::completion::{FilenameCompleter, Pair};
use std::sync::Arc;

/// What completion knows of the shell's place.
pub(super) struct Context {
    library: Arc<Library>,
    session: Session,
    outline: Outline,
    bindings: Vec<String>,
    files: FilenameCompleter,
}

impl Context {
    pub(super) fn new(shell: &Shell) -> Context {
        Context {
            library: shell.engine.library().clone(),
            session: shell.place.session().clone(),
            outline: Outline::default(),
            bindings: Vec::new(),
            files: FilenameCompleter::new(),
        }
    }

    /// Takes note of where the shell is now.
    pub(super) fn refresh(&mut self, shell: &Shell) {
        self.library = shell.engine.library().clone();
        self.session = shell.place.session().clone();
        self.outline = self.session.outline().unwrap_or_default();
        self.bindings = shell.bindings.names().map(String::from).collect();
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

/// The signature of what stands before the cursor.
pub(super) fn signature(_: &Context, _: &str, _: usize) -> Option<String> {
    None
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

/// Names that a query may use at the end of a text.
fn names(context: &Context, before: &str) -> (usize, Vec<Pair>) {
    let word_at = before
        .rfind(|c: char| !(c.is_alphanumeric() || c == '_'))
        .map_or(0, |at| {
            at + before
                .get(at..)
                .and_then(|s| s.chars().next())
                .map_or(1, char::len_utf8)
        });
    let word = before.get(word_at..).unwrap_or_default();
    if before.get(..word_at).unwrap_or_default().ends_with('.') {
        return (word_at, Vec::new());
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
    for name in &context.bindings {
        add(name, name.clone());
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
