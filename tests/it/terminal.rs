//! The interactive shell at a real terminal: prompt, further lines, completion, Ctrl-C, Ctrl-D, secrets.

use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The longest to wait for something to appear.
const PATIENCE: Duration = Duration::from_secs(60);

/// A shell at a terminal of its own.
struct Terminal {
    child: Child,
    keys: File,
    screen: Receiver<Vec<u8>>,
    /// What has appeared and was not asked for yet, without escape sequences.
    seen: String,
    /// An escape sequence that has not ended.
    rest: Vec<u8>,
    directory: tempfile::TempDir,
}

impl Terminal {
    /// A shell on a transient database.
    fn start() -> Terminal {
        Terminal::open(&[])
    }

    /// A shell with arguments.
    fn open(arguments: &[&std::ffi::OsStr]) -> Terminal {
        let size = Winsize {
            ws_row: 40,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(&size, None).expect("a terminal");
        let end = |fd: &OwnedFd| fd.try_clone().expect("a descriptor");
        let directory = tempfile::tempdir().expect("a directory");
        // The terminal has to be the controlling one for Ctrl-C to be a signal.
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_fql")])
            .args(arguments)
            .env("TERM", "xterm")
            .env("NO_COLOR", "1")
            .env("FQL_HISTORY", directory.path().join("history"))
            .env_remove("FAUNA_SECRET")
            .env_remove("PAGER")
            .stdin(end(&pty.slave))
            .stdout(end(&pty.slave))
            .stderr(end(&pty.slave))
            .spawn()
            .expect("the program");
        drop(pty.slave);
        let mut output = File::from(end(&pty.master));
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal {
            child,
            keys: File::from(pty.master),
            screen,
            seen: String::new(),
            rest: Vec::new(),
            directory,
        }
    }

    fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("a terminal");
    }

    /// Waits until a text has appeared, and forgets what came before its end.
    fn expect(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(_) => panic!("no {text:?} in {:?}", self.seen),
            }
        }
    }

    /// What appears between a query and the next prompt.
    fn answer(&mut self, query: &str) -> String {
        self.keys(query);
        self.expect(query);
        self.seen.clear();
        self.keys("\r");
        let until = Instant::now() + PATIENCE;
        loop {
            // The line is drawn once more when it is left.
            if let Some((before, _)) = self
                .seen
                .split_once("\r\n")
                .and_then(|(_, rest)| rest.split_once(PROMPT))
            {
                let answer = before.to_string();
                self.seen.clear();
                return answer;
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(_) => panic!("no answer in {:?}", self.seen),
            }
        }
    }

    /// Waits until the terminal no longer shows what is typed: what is typed before is dropped, as at any password
    /// prompt.
    fn expect_hidden(&self) {
        let until = Instant::now() + PATIENCE;
        while tcgetattr(&self.keys)
            .expect("a terminal")
            .local_flags
            .contains(LocalFlags::ECHO)
        {
            assert!(Instant::now() < until, "the terminal shows what is typed");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types Ctrl-C until a text has appeared: before a query runs, the key finds nothing to stop.
    fn interrupt(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            self.keys("\x03");
            let again = Instant::now() + Duration::from_secs(5);
            loop {
                if self.seen.contains(text) {
                    return self.expect(text);
                }
                let left = again.saturating_duration_since(Instant::now());
                match self.screen.recv_timeout(left) {
                    Ok(bytes) => self.take(&bytes),
                    Err(_) => break,
                }
            }
        }
        panic!("no {text:?} in {:?}", self.seen);
    }

    fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let text = String::from_utf8_lossy(&self.rest).into_owned();
        self.rest.clear();
        let plain = console::strip_ansi_codes(&text);
        self.seen.push_str(&plain);
    }

    fn history(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("history")).unwrap_or_default()
    }

    /// Leaves with Ctrl-D, which the editor knows only once its prompt is there.
    fn leave(mut self) {
        self.keys("\x04");
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("the program") {
                assert!(status.success(), "{status}");
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        panic!("Ctrl-D did not end the shell: {:?}", self.seen);
    }
}

const PROMPT: &str = "/ (root)> ";
const FURTHER: &str = "     ...> ";

#[test]
fn typing_at_a_terminal() {
    let mut shell = Terminal::start();
    shell.expect(PROMPT);
    shell.keys("1 + 2\r");
    shell.expect("3\r\n");
    shell.expect(PROMPT);
    // Further lines have a prompt of the same width.
    shell.keys("[1,\r");
    shell.expect(FURTHER);
    shell.keys("2].map(x =>\r");
    shell.expect(FURTHER);
    shell.keys("x + 40)\r");
    shell.expect("41");
    shell.expect("42");
    shell.expect(PROMPT);
    // Backspace at the beginning of a line joins it to the one before.
    shell.keys("(7\r");
    shell.expect(FURTHER);
    shell.keys("\x7f00)\r");
    shell.expect("700\r\n");
    shell.expect(PROMPT);
    // Completion.
    shell.keys(":whoa\t");
    shell.expect(":whoami");
    shell.keys("\r");
    shell.expect("credential: root");
    shell.expect(PROMPT);
    // Ctrl-C drops what was typed, and the shell goes on.
    shell.keys("never run (\x03");
    shell.expect(PROMPT);
    shell.keys("'still ' + 'here'\r");
    shell.expect("\"still here\"");
    shell.expect(PROMPT);
    // A paste of several lines is one text.
    shell.keys("\x1b[200~let a = 5\nlet b = 6\na * b\x1b[201~");
    shell.keys("\r");
    shell.expect("30\r\n");
    shell.expect(PROMPT);
    shell.leave();
}

#[test]
fn a_running_query_is_stopped() {
    let mut shell = Terminal::start();
    shell.expect(PROMPT);
    shell.keys("Set.sequence(0, 2000000000).fold(0, (a, b) => a + b)\r");
    std::thread::sleep(Duration::from_secs(1));
    shell.interrupt("cancelled");
    shell.expect(PROMPT);
    shell.keys("20 + 3\r");
    shell.expect("23\r\n");
    shell.expect(PROMPT);
    shell.leave();
}

#[test]
fn secrets_change_the_prompt_and_stay_unknown() {
    let mut shell = Terminal::start();
    shell.expect(PROMPT);
    shell.keys("Database.create({ name: 'Inner' }).name\r");
    shell.expect("\"Inner\"");
    shell.expect(PROMPT);
    shell.keys(":secret = Key.create({ role: 'server', database: 'Inner' }).secret\r");
    shell.expect("(server)> ");
    shell.keys(":secret -\r");
    shell.expect(PROMPT);
    shell.keys(":use Inner\r");
    shell.expect("Inner (root)> ");
    shell.keys(":as server-readonly\r");
    shell.expect("Inner (server-readonly)> ");
    shell.keys(":as -\r");
    shell.expect("Inner (root)> ");
    shell.keys(":secret\r");
    shell.expect("Secret: ");
    shell.expect_hidden();
    shell.keys("nonsense\r");
    shell.expect("opens nothing");
    assert!(!shell.seen.contains("nonsense"));
    shell.expect("Inner (root)> ");
    let history = shell.history();
    assert!(history.contains(":use Inner"), "{history}");
    assert!(!history.contains("secret ="), "{history}");
    assert!(!history.contains("nonsense"), "{history}");
    shell.leave();
}

#[test]
fn events_are_watched_until_ctrl_c() {
    let mut shell = Terminal::start();
    shell.expect(PROMPT);
    shell.keys("Collection.create({ name: 'Thing' }).name\r");
    shell.expect("\"Thing\"");
    shell.expect(PROMPT);
    shell.keys(":watch Thing.all()\r");
    shell.expect("watching");
    shell.keys("\x03");
    shell.expect(PROMPT);
    shell.leave();
}

/// Runs a query in a process of its own on a file.
fn run_beside(file: &std::path::Path, query: &str) {
    let done = Command::new(env!("CARGO_BIN_EXE_fql"))
        .arg(file)
        .args(["-e", query])
        .env_remove("FAUNA_SECRET")
        .output()
        .expect("the program");
    assert!(done.status.success(), "{done:?}");
}

/// Watches a collection of a shared file, and what other processes do to it appears.
fn watch_others(shell: &mut Terminal, file: &std::path::Path, name: &str) {
    shell.keys(":watch Thing.all().map(.name)\r");
    shell.expect("watching");
    run_beside(file, &format!("Thing.create({{ name: '{name}' }})"));
    shell.expect("type: \"add\"");
    shell.expect(&format!("data: \"{name}\""));
    run_beside(
        file,
        &format!("Thing.where(.name == '{name}').first()!.delete()"),
    );
    shell.expect("type: \"remove\"");
    shell.keys("\x03");
    shell.expect(PROMPT);
}

#[test]
fn what_other_processes_write_is_watched() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("shared.db");
    // This shell has the file; the writers come through its socket.
    let mut holder = Terminal::open(&[file.as_os_str()]);
    holder.expect(PROMPT);
    holder.keys("Collection.create({ name: 'Thing' }).name\r");
    holder.expect("\"Thing\"");
    holder.expect(PROMPT);
    watch_others(&mut holder, &file, "first");
    // This one is a client of the first, and watches there.
    let mut beside = Terminal::open(&[file.as_os_str()]);
    beside.expect(PROMPT);
    watch_others(&mut beside, &file, "second");
    // It also sees what the holder itself writes, and goes on when that has left.
    beside.keys(":watch Thing.all()\r");
    beside.expect("watching");
    holder.keys("Thing.create({ name: 'third' }).name\r");
    beside.expect("name: \"third\"");
    beside.keys("\x03");
    beside.expect(PROMPT);
    holder.leave();
    watch_others(&mut beside, &file, "fourth");
    beside.leave();
}

#[test]
fn the_building_of_indexes_is_shown_until_somebody_types() {
    let mut shell = Terminal::start();
    shell.expect(PROMPT);
    shell.keys("Collection.create({ name: 'Item' }).name\r");
    shell.expect("\"Item\"");
    shell.expect(PROMPT);
    shell.keys("Set.sequence(0, 5000).forEach(n => Item.create({ n: n }))\r");
    shell.expect("null");
    shell.expect(PROMPT);
    let define = |prefix: &str| {
        let indexes: Vec<String> = (0..12)
            .map(|i| format!("{prefix}{i}: {{ terms: [{{ field: 'n' }}], values: [{{ field: '{prefix}{i}' }}] }}"))
            .collect();
        let indexes = indexes.join(", ");
        format!("Item.definition.update({{ indexes: {{ {indexes} }} }}).name\r")
    };
    shell.keys(&define("a"));
    shell.expect("\"Item\"");
    shell.expect("building Item.a");
    shell.expect("/60000");
    shell.expect("Item.a11 is built");
    shell.expect(PROMPT);
    // What is typed meanwhile is the next query.
    shell.keys(&define("b"));
    shell.expect("building Item.b");
    shell.keys("40 + 2\r");
    shell.expect("42\r\n");
    shell.expect(PROMPT);
    // And the building went on.
    let until = Instant::now() + PATIENCE;
    while !shell
        .answer("Item.definition.indexes!.b11!.status")
        .contains("\"complete\"")
    {
        assert!(Instant::now() < until, "the building does not end");
        std::thread::sleep(Duration::from_millis(100));
    }
    shell.leave();
}
