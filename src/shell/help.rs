//! `:help`: commands from their table, functions from theirs.

use super::commands::{self, COMMANDS};
use super::language::Language;
use super::output::wrapped;
use super::{Shell, Stop, complete_legacy};
use crate::fql::interp::{Effect, GlobalKind, Library, Member, MemberKind, Shape};
use crate::fql4::forms::{self, Form, TextRule};

/// `:help [TOPIC]`
pub(super) fn run(shell: &mut Shell, topic: &str) -> Result<(), Stop> {
    let library = shell.engine.library().clone();
    let text = match topic {
        "" => overview(shell.output.width()),
        topic => match about_in(shell.language, &library, topic) {
            Some(text) => text,
            None => {
                let mut message = format!("nothing is known of `{topic}`");
                let like = match shell.language {
                    Language::V10 => similar(&library, topic),
                    Language::V4 => similar_legacy(topic),
                };
                if !like.is_empty() {
                    message.push_str(&format!("; there is {}", like.join(", ")));
                }
                shell.output.failure(&message)?;
                return Err(Stop::Failed);
            }
        },
    };
    Ok(shell.output.text(&text)?)
}

/// The functions of FQL v4.
pub(super) fn legacy_topics() -> impl Iterator<Item = &'static str> {
    forms::all()
        .filter(|form| form.text != TextRule::WireOnly)
        .flat_map(|form| form.names)
        .copied()
}

/// What is known of a topic where queries are in a language. In FQL v10 a function of v4 is meant only by its very name.
fn about_in(language: Language, library: &Library, topic: &str) -> Option<String> {
    let legacy = |same: fn(&str, &str) -> bool| {
        let name = topic.trim_end_matches("()");
        let found = legacy_topics().find(|known| same(known, name))?;
        forms::by_name(found).map(|form| describe_form(found, form))
    };
    let exact = |known: &str, name: &str| known == name;
    match language {
        Language::V10 => about(library, topic).or_else(|| legacy(exact)),
        Language::V4 => legacy(exact)
            .or_else(|| legacy(str::eq_ignore_ascii_case))
            .or_else(|| about(library, topic)),
    }
}

/// A function of FQL v4: how it is typed, how it is sent, what it does to the database.
fn describe_form(name: &str, form: &Form) -> String {
    let keys: Vec<String> = form
        .keys
        .iter()
        .map(|key| match key.optional {
            true => format!("{}?", key.name),
            false => key.name.to_string(),
        })
        .collect();
    let mut text = complete_legacy::usage(name, form);
    text.push_str(&format!("\n  on the wire: {{ {} }}", keys.join(", ")));
    if let Some(first) = form.names.first().filter(|first| **first != name) {
        text.push_str(&format!("\n  the older name of {first}"));
    }
    if let Some(effect) = effect(form.effect) {
        text.push_str(&format!("\n  {effect}"));
    }
    text
}

/// What running something does, beside yielding a value.
fn effect(effect: Effect) -> Option<&'static str> {
    match effect {
        Effect::Pure => None,
        Effect::Observation => Some("observes the clock or the id generator"),
        Effect::Read => Some("reads the database"),
        Effect::Write => Some("writes the database"),
    }
}

/// Room for a command and its arguments.
const WIDTH: usize = 22;
/// Terminals narrower than this show what a command does below it.
const NARROW: usize = 70;

/// The list of commands; on a terminal it keeps to the columns there are.
fn overview(columns: Option<u16>) -> String {
    let columns = columns.map_or(usize::MAX, usize::from);
    let head =
        "Everything else that is typed is a query; it ends at the line where it is complete.\n";
    let mut text = wrapped(head, columns).join("\n");
    for command in COMMANDS {
        let usage = format!(":{} {}", command.name, command.arguments);
        let usage = usage.trim_end();
        let indent = match columns < NARROW {
            true => 6,
            false => WIDTH + 4,
        };
        let about = wrapped(command.about, columns.saturating_sub(indent).max(20));
        let below = format!("\n{:indent$}", "");
        let about = about.join(&below);
        if columns < NARROW || usage.len() > WIDTH {
            text.push_str(&format!("\n  {usage}{below}{about}"));
        } else {
            text.push_str(&format!("\n  {usage:WIDTH$}  {about}"));
        }
    }
    let foot = "\n\n`:help string.slice` explains a function, `:help String` lists a type, `:help Math` a module;\n\
         `:help Paginate` a function of FQL v4, which `:lang 4` speaks.\n\
         Tab completes, Ctrl-R searches the history, Ctrl-C cancels, Ctrl-D leaves.";
    text.push_str(&wrapped(foot, columns).join("\n"));
    text
}

/// What is known of a topic.
fn about(library: &Library, topic: &str) -> Option<String> {
    if let Some(command) = commands::find(topic.trim_start_matches([':', '.']))
        && (topic.starts_with([':', '.']) || library.global(topic).is_none())
    {
        let mut text = format!(":{} {}", command.name, command.arguments)
            .trim_end()
            .to_string();
        if !command.aliases.is_empty() {
            let names: Vec<String> = command
                .aliases
                .iter()
                .map(|name| format!(":{name}"))
                .collect();
            text.push_str(&format!("   (also {})", names.join(", ")));
        }
        text.push_str(&format!("\n  {}", command.about));
        return Some(text);
    }
    let topic = topic.trim_end_matches("()");
    if let Some((owner, name)) = topic.rsplit_once('.') {
        let (label, shape) = shape_named(library, owner)?;
        let member = shape
            .members
            .iter()
            .find(|member| member.name == name)
            .or_else(|| {
                shape
                    .members
                    .iter()
                    .find(|member| member.name.eq_ignore_ascii_case(name))
            })?;
        return Some(describe(&label, member));
    }
    if let Some(global) = library.global(topic)
        && let GlobalKind::Function(member) = &global.kind
    {
        return Some(describe("", member));
    }
    let (label, shape) = shape_named(library, topic)?;
    Some(describe_shape(&label, shape))
}

/// The type or module of that name, in any letter case, and how its members are written.
fn shape_named(library: &Library, name: &str) -> Option<(String, &'static Shape)> {
    let named = |name: &str| {
        library
            .shapes()
            .iter()
            .copied()
            .find(|shape| bare(shape.name).eq_ignore_ascii_case(name))
    };
    let global = library
        .globals()
        .iter()
        .find(|global| global.name == name)
        .or_else(|| {
            // `string.slice` means the type, `String` the module too; both are looked at.
            named(name).is_none().then(|| {
                library
                    .globals()
                    .iter()
                    .find(|g| g.name.eq_ignore_ascii_case(name))
            })?
        });
    // A type before a module: `String` is asked about for its methods.
    if let Some(shape) = named(name) {
        return Some((bare(shape.name).to_string(), shape));
    }
    let global = global?;
    let shape = match &global.kind {
        GlobalKind::Module(shape) | GlobalKind::Collection(_, shape) => named(bare(shape))?,
        GlobalKind::Function(_) => return None,
    };
    Some((global.name.to_string(), shape))
}

fn bare(name: &str) -> &str {
    name.split('<').next().unwrap_or(name)
}

fn describe_shape(label: &str, shape: &Shape) -> String {
    let mut text = format!("{label}: {}", shape.about);
    for member in shape.members.iter().filter(|member| member.is_offered()) {
        let usage = usage("", member).into_iter().next().unwrap_or_default();
        text.push_str(&format!("\n  {usage}"));
        if !member.about.is_empty() {
            text.push_str(&format!("\n      {}", member.about));
        }
    }
    text
}

fn describe(owner: &str, member: &Member) -> String {
    let mut text = usage(owner, member).join("\n");
    text.push_str(&format!("\n  {}", member.about));
    if let Some(effect) = effect(member.effect) {
        text.push_str(&format!("\n  {effect}"));
    }
    if !member.example.is_empty() {
        text.push_str(&format!("\n  example: {}", member.example));
    }
    text
}

/// How a member is written, once for each of its signatures.
pub(super) fn usage(owner: &str, member: &Member) -> Vec<String> {
    let dotted = match owner {
        "" => member.name.to_string(),
        _ => format!("{owner}.{}", member.name),
    };
    let join = |signature: &str| match signature.starts_with('(') {
        true => format!("{dotted}{signature}"),
        false => format!("{dotted}: {signature}"),
    };
    match &member.kind {
        MemberKind::Field { ty, .. } => vec![format!("{dotted}: {ty}")],
        MemberKind::Method { overloads, .. } => overloads.iter().map(|s| join(s)).collect(),
        MemberKind::Static { types } => types.iter().map(|s| join(s)).collect(),
    }
}

/// Functions of FQL v4 whose names contain the topic.
fn similar_legacy(topic: &str) -> Vec<String> {
    let wanted = topic.to_lowercase();
    legacy_topics()
        .filter(|name| wanted.len() > 1 && name.to_lowercase().contains(&wanted))
        .take(8)
        .map(String::from)
        .collect()
}

/// Names that contain the topic.
fn similar(library: &Library, topic: &str) -> Vec<String> {
    let wanted = topic.rsplit('.').next().unwrap_or(topic).to_lowercase();
    if wanted.len() < 2 {
        return Vec::new();
    }
    let mut found = Vec::new();
    for shape in library.shapes() {
        // A module's members are asked for by the module's name.
        let owner = library.globals().iter().find(|global| match &global.kind {
            GlobalKind::Module(name) | GlobalKind::Collection(_, name) => *name == shape.name,
            GlobalKind::Function(_) => false,
        });
        let owner = owner.map_or(bare(shape.name), |global| global.name);
        for member in shape.members {
            if member.name.to_lowercase().contains(&wanted) {
                found.push(format!("{owner}.{}", member.name));
            }
        }
    }
    let globals = library.globals().iter().map(|global| global.name);
    found.extend(
        globals
            .filter(|name| name.to_lowercase().contains(&wanted))
            .map(String::from),
    );
    found.truncate(8);
    found
}
