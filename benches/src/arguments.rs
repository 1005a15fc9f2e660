//! Options on the command line: `--name VALUE`.

/// What stands behind `option`.
pub fn given(option: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != option);
    arguments.nth(1)
}

/// The number behind `option`.
pub fn number(option: &str, default: usize) -> usize {
    let given = given(option).and_then(|given| given.parse().ok());
    given.unwrap_or(default)
}
