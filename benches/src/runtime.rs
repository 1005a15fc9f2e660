use tokio::runtime::{Builder, Runtime};

/// A runtime like that of the peers: two workers.
///
/// # Errors
/// Where the system gives no threads.
pub fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
}
