//! What ends by a limit: over it, and where there may be none of it.

use std::net::TcpListener;

use bursar::{CommandLimits, CpuAction, OutcomeKind};
use bursar_benches::report::Report;

use crate::Result;
use crate::scene::{engine, row};

const BUSY: &str = "while :; do :; done";

/// What is held, by a script; what may be; and by what that ends.
struct Row {
    name: &'static str,
    script: String,
    limits: CommandLimits,
    ended: (OutcomeKind, &'static str),
}

fn rows(port: u16) -> Vec<Row> {
    let memory = (OutcomeKind::MemoryExceeded, "MemoryExceeded");
    let failed = |kind| (OutcomeKind::Failed, kind);
    let hog = |megabytes: u64| format!("dd if=/dev/zero bs={megabytes}M count=1 | sleep 1000");
    let limits = CommandLimits::new;
    let row = |name, script: String, limits, ended| Row {
        name,
        script,
        limits,
        ended,
    };
    let held = |count: usize| {
        let open = (0..count).map(|at| format!("exec {}<>/dev/tcp/127.0.0.1/{port}; ", at + 3));
        open.chain(["exec sleep 1000".into()]).collect::<String>()
    };
    vec![
        row(
            "memory, over: asks for 200 MB of 64",
            "exec dd if=/dev/zero of=/dev/null bs=200M count=1".into(),
            limits().memory("64MB"),
            memory,
        ),
        row(
            "memory, over: two hold 40 MB each of 64 together",
            format!("{} & {}", hog(40), hog(40)),
            limits().memory("64MB"),
            memory,
        ),
        row(
            "memory, 0",
            "exec sleep 1000".into(),
            limits().memory(0),
            memory,
        ),
        row(
            "cpu, over: a busy loop with 0.1 cores, stop",
            BUSY.into(),
            limits().cpu(0.1).cpu_action(CpuAction::Stop),
            failed("CpuExceeded"),
        ),
        row(
            "cpu, 0, stop",
            BUSY.into(),
            limits().cpu(0.0).cpu_action(CpuAction::Stop),
            failed("CpuExceeded"),
        ),
        row(
            "processor time, over: a busy loop with 100 ms",
            BUSY.into(),
            limits().cpu_time("100ms"),
            failed("CpuTimeExceeded"),
        ),
        row(
            "processor time, 0",
            BUSY.into(),
            limits().cpu_time("0s"),
            failed("CpuTimeExceeded"),
        ),
        row(
            "files, over: 4 of 3",
            "exec sleep 1000 3</dev/null".into(),
            limits().files(3),
            failed("FilesExceeded"),
        ),
        row(
            "files, 0",
            "exec sleep 1000".into(),
            limits().files(0),
            failed("FilesExceeded"),
        ),
        row(
            "connections, over: 2 of 1",
            held(2),
            limits().connections(1),
            failed("ConnectionsExceeded"),
        ),
        row(
            "connections, 0",
            held(1),
            limits().connections(0),
            failed("ConnectionsExceeded"),
        ),
    ]
}

pub(crate) async fn measure(report: &Report, runs: usize) -> Result<()> {
    let engine = engine().await?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    for case in rows(listener.local_addr()?.port()) {
        let name = format!("matrices/limit on {}", case.name);
        row(report, runs, &name, case.ended, || {
            let command = engine.command(["bash", "-c", &case.script]);
            command.limits(case.limits.clone())
        })
        .await?;
    }
    Ok(engine.shutdown().await?)
}
