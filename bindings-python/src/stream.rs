//! A result that is read a piece at a time.

use bursar::SpillReader;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::OrRaise;
use crate::exit;

/// What `bursar._stream` makes a binary file object of.
#[pyclass(frozen, module = "bursar._native")]
pub(crate) struct ResultReader(Mutex<Option<SpillReader>>);

impl ResultReader {
    pub(crate) fn new(reader: SpillReader) -> Self {
        Self(Mutex::new(Some(reader)))
    }
}

#[pymethods]
impl ResultReader {
    /// At most `size` bytes; none at the end.
    fn read<'py>(&self, py: Python<'py>, size: usize) -> PyResult<Bound<'py, PyBytes>> {
        let _inside = exit::enter(py)?;
        let read = exit::outside(py, || {
            let mut reader = self.0.lock();
            let Some(reader) = reader.as_mut() else {
                return Ok(Vec::new());
            };
            let mut buffer = vec![0; size];
            let length = reader.fill(&mut buffer)?;
            buffer.truncate(length);
            Ok(buffer)
        })?;
        Ok(PyBytes::new(py, &read.or_raise(py)?))
    }

    /// Lets the file go.
    fn close(&self) {
        drop(self.0.lock().take());
    }
}
