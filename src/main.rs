//! The command line: picks a front (shell, script, server) and hands over.
fn main() {}
