//! Arrows point down only: `bindings-*`, `cli` -> `bursar` -> `store-*` -> `core`.

use crate::workspace::{Dependency, Member, members};

/// Which of our folders one of our folders may depend on. `None`: no rule is
/// written for it, which is itself a fault.
fn may_depend_on(from: &str) -> Option<&'static [&'static str]> {
    Some(match kind(from) {
        "core" | "macros" => &[],
        "store" => &["core"],
        "bursar" => &["core", "macros", "store"],
        // What they need of the core comes through the facade's re-exports.
        "bindings" | "server" | "examples" => &["bursar"],
        "cli" => &["bursar", "server"],
        "benches" => &["bursar", "core", "store"],
        "testkit" => &["bursar", "core", "store", "testkit"],
        _ => return None,
    })
}

/// Folders of one kind follow one rule: `store-sqlite` and `store-postgres` are
/// both `store`, `examples/rust` is `examples`.
fn kind(folder: &str) -> &str {
    folder.split(['-', '/']).next().unwrap_or(folder)
}

/// Crates of SQL, HTTP and foreign functions; those that end in `*` by how they begin.
const FOREIGN_TO_CORE: &str = "\
    deadpool* diesel* libsql* mysql* postgres* redis rusqlite sea-* sqlite* sqlx* tiberius tokio-postgres* \
    actix* axum* h2 http http-body* hyper* reqwest tonic* tower-http ureq warp \
    bindgen cbindgen cc cxx jni libffi libloading napi* neon pyo3* uniffi* wasm-bindgen*";

/// The system's own calls, where nobody has made them safe: job objects (decision 17).
const SYSTEM: &str = "windows-sys";

fn foreign_to_core(name: &str) -> bool {
    let listed = |entry: &str| match entry.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == entry,
    };
    (name.ends_with("-sys") && name != SYSTEM) || FOREIGN_TO_CORE.split_whitespace().any(listed)
}

/// What is wrong with one dependency of one crate, in words.
fn fault(from: &Member, to: &Dependency) -> Option<String> {
    let edge = format!("{} -> {}", from.folder, to.name);
    let Some(ours) = &to.ours else {
        let foreign = from.folder == "core" && foreign_to_core(&to.name);
        return foreign.then(|| format!("{edge}: core has no SQL, HTTP or foreign functions"));
    };
    let Some(allowed) = may_depend_on(&from.folder) else {
        return Some(format!(
            "{}: no rule says what it may depend on",
            from.folder
        ));
    };
    // Tests may turn to the suite, and a macro's tests to the crate it expands for.
    let for_tests = to.dev && matches!(kind(ours), "testkit" | "bursar") && from.folder != "core";
    let suite_for_core = to.dev && from.folder == "core" && ours == "testkit";
    let fine = allowed.contains(&kind(ours)) || for_tests || suite_for_core;
    (!fine).then(|| format!("{edge}: the arrow points the wrong way"))
}

fn faults(members: &[Member]) -> Vec<String> {
    let edges = members
        .iter()
        .flat_map(|from| from.dependencies.iter().map(move |to| (from, to)));
    edges.filter_map(|(from, to)| fault(from, to)).collect()
}

#[test]
fn the_workspace_points_down_only() {
    let members = members();
    assert!(
        members.iter().any(|member| member.folder == "core"),
        "the core is gone"
    );
    assert_eq!(faults(&members), Vec::<String>::new());
}

/// A workspace of one crate with one dependency.
fn edge(from: &str, name: &str, ours: Option<&str>, dev: bool) -> Vec<Member> {
    let dependency = Dependency {
        name: name.to_owned(),
        ours: ours.map(str::to_owned),
        dev,
    };
    vec![Member {
        folder: from.to_owned(),
        dependencies: vec![dependency],
    }]
}

#[test]
fn arrows_up_are_faults() {
    for (from, to) in [
        ("core", "bursar"),
        ("core", "macros"),
        ("core", "store-sqlite"),
        ("macros", "core"),
        ("store-sqlite", "bursar"),
        ("store-sqlite", "store-postgres"),
        ("bursar", "bindings-python"),
        ("bursar", "testkit"),
        ("bindings-node", "core"),
        ("bindings-node", "bindings-python"),
        ("benches", "testkit"),
        ("bursar", "testkit/torture"),
        ("unheard-of", "core"),
    ] {
        assert_eq!(
            faults(&edge(from, to, Some(to), false)).len(),
            1,
            "{from} -> {to} was let through"
        );
    }
    assert_eq!(
        faults(&edge("core", "bursar", Some("bursar"), true)).len(),
        1
    );
}

#[test]
fn arrows_down_are_fine() {
    for (from, to, dev) in [
        ("bursar", "core", false),
        ("bursar", "macros", false),
        ("bursar", "store-sqlite", false),
        ("store-sqlite", "core", false),
        ("store-sqlite", "testkit", true),
        ("testkit/torture", "testkit", false),
        ("bindings-python", "bursar", false),
        ("cli", "server", false),
        ("examples/rust", "bursar", false),
        ("macros", "bursar", true),
    ] {
        assert_eq!(faults(&edge(from, to, Some(to), dev)), Vec::<String>::new());
    }
}

#[test]
fn the_core_sees_no_sql_http_or_foreign_functions() {
    for name in [
        "rusqlite",
        "libsqlite3-sys",
        "sqlx-core",
        "hyper-util",
        "axum",
        "reqwest",
        "pyo3",
        "napi",
    ] {
        assert_eq!(
            faults(&edge("core", name, None, false)).len(),
            1,
            "core -> {name} was let through"
        );
        assert_eq!(faults(&edge("bindings-node", name, None, false)).len(), 0);
    }
    assert_eq!(faults(&edge("core", "tokio", None, false)).len(), 0);
}
