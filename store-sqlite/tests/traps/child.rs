//! Another process: this program again. It answers a word with a line that begins with `>`.

use std::io::{BufRead, BufReader, Lines, Write, stdin};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use bursar_core::Store;
use rusqlite::Connection;

use crate::{open, submit};

const PATH: &str = "BURSAR_TEST_TRAP";

/// A process beside this one; killed when it is dropped.
pub(crate) struct Other {
    child: Child,
    says: Lines<BufReader<ChildStdout>>,
    hears: ChildStdin,
}

impl Other {
    pub(crate) fn new(path: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::plays_its_part", "--nocapture"])
            .env(PATH, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(child.stdout.take().unwrap()).lines();
        let hears = child.stdin.take().unwrap();
        Self { child, says, hears }
    }

    pub(crate) fn tell(&mut self, word: &str) {
        writeln!(self.hears, "{word}").unwrap();
    }

    pub(crate) fn answer(&mut self) -> String {
        let mut said = self.says.by_ref().map(Result::unwrap);
        let line = said.find_map(|line| line.split_once('>').map(|(_, text)| text.to_owned()));
        line.unwrap()
    }

    pub(crate) fn ask(&mut self, word: &str) -> String {
        self.tell(word);
        self.answer()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does nothing but in another process.
#[test]
fn plays_its_part() {
    let Some(path) = std::env::var_os(PATH) else {
        return;
    };
    for line in stdin().lines() {
        let answer = match line.unwrap().as_str() {
            "lock" => lock(Path::new(&path)),
            _ => race(Path::new(&path)),
        };
        println!(">{answer}");
    }
}

/// Whether it gets the lock that SQLite gives to one writer at a time.
fn lock(path: &Path) -> String {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    match connection.execute_batch("BEGIN IMMEDIATE") {
        Ok(()) => "got it".to_owned(),
        Err(error) => format!("{:?}", error.sqlite_error_code().unwrap()),
    }
}

/// Submits jobs through a store of its own.
fn race(path: &Path) -> String {
    let store = open(path);
    println!(">begins");
    let submitted = (0..300).map(|_| submit(&store)).filter(Result::is_ok);
    let submitted = submitted.count();
    store.close().wait().unwrap();
    submitted.to_string()
}
