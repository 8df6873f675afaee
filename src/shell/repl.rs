//! The interactive shell: read a line or several, run, print, again.

use super::complete::Context;
use super::continuation;
use super::editor::LineHelper;
use super::{Options, Shell, Status, Stop, colors, history};
use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

type LineEditor = Editor<LineHelper, FileHistory>;

/// Runs the shell until its end.
pub(super) fn run(shell: &mut Shell, options: &Options) -> Result<Status, Stop> {
    shell.interactive = true;
    shell.output.paging = true;
    // At a terminal the query is there to be seen.
    shell.echo = false;
    let context = Rc::new(RefCell::new(Context::new(shell)));
    let mut editor = match line_editor(&context, shell.output.colors()) {
        Ok(editor) => editor,
        Err(error) => {
            shell
                .output
                .failure(&format!("the terminal cannot be used: {error}"))?;
            return Ok(Status::Unusable);
        }
    };
    let history_file = history::file();
    if let Some(file) = &history_file {
        // A history that cannot be read is an empty one.
        let _ = editor.load_history(file);
    }
    shell.typed = editor
        .history()
        .iter()
        .map(|entry| continuation::plain(entry))
        .collect();
    shell.interrupt.listen();
    if !options.quiet {
        banner(shell)?;
    }
    loop {
        let plain = shell.place.prompt();
        context.borrow_mut().refresh(shell);
        let styled = match shell.output.colors() {
            true => colors::prompt(&plain),
            false => plain.clone(),
        };
        let columns = console::Term::stdout().size().1;
        let stop = continuation::width(&plain, columns);
        editor.set_tab_stop(stop);
        if let Some(helper) = editor.helper() {
            let width = console::measure_text_width(&plain);
            helper.widths.set((width, stop));
        }
        let line = match editor.readline(&(plain, styled)) {
            Ok(line) => continuation::plain(&line),
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(Status::Success),
            Err(error) => {
                shell.output.failure(&format!("no more lines: {error}"))?;
                return Ok(Status::Unusable);
            }
        };
        remember(shell, &mut editor, history_file.as_deref(), &line);
        let done = shell.run_items(&line);
        if let Some(text) = shell.edited.take() {
            remember(shell, &mut editor, history_file.as_deref(), &text);
        }
        match done {
            Ok(()) | Err(Stop::Failed) => {}
            Err(stop) => return Err(stop),
        }
    }
}

fn line_editor(context: &Rc<RefCell<Context>>, colors: bool) -> rustyline::Result<LineEditor> {
    let config = Config::builder()
        .max_history_size(history::LENGTH)?
        .history_ignore_dups(true)?
        .completion_type(CompletionType::List)
        // Without colours the helper draws too, only plainly.
        .color_mode(ColorMode::Forced)
        .bracketed_paste(true)
        .auto_add_history(false)
        .build();
    let mut editor = LineEditor::with_config(config)?;
    editor.set_helper(Some(LineHelper {
        context: context.clone(),
        colors,
        leaving: Default::default(),
        widths: Default::default(),
    }));
    continuation::bind(&mut editor, &context.borrow().language);
    Ok(editor)
}

fn banner(shell: &mut Shell) -> Result<(), Stop> {
    let version = env!("CARGO_PKG_VERSION");
    match &shell.file {
        Some(file) => {
            let text = format!("fql {version}, {}. `:help` for help.", file.display());
            shell.output.note(&text)?;
        }
        None => {
            shell
                .output
                .note(&format!("fql {version}. `:help` for help."))?;
            shell.output.note(
                "A transient database in memory: it is gone when you leave. `:save FILE` keeps it, `:open FILE` opens another.",
            )?;
        }
    }
    Ok(())
}

/// Adds what was typed to the history, here and in the file, without secrets.
fn remember(shell: &mut Shell, editor: &mut LineEditor, file: Option<&Path>, line: &str) {
    let Some(entry) = history::kept(line) else {
        return;
    };
    shell.typed.push(entry.to_string());
    // A history that cannot be kept must not stop anybody from working.
    let added = editor.add_history_entry(continuation::marked(&entry));
    if let (Ok(true), Some(file)) = (added, file) {
        if let Some(directory) = file.parent() {
            let _ = std::fs::create_dir_all(directory);
        }
        let _ = editor.append_history(file);
    }
}
