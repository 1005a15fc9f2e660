//! `#[bursar::task]` refuses at compile time what can't work, at the place where it stands.

#[test]
fn mistakes_are_shown_where_they_are() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/attribute/*.rs");
}
