//! Arguments on the wire: a JSON array in the order of the parameters, so that any language can
//! submit what this one runs.

use std::fmt;
use std::marker::PhantomData;

use bursar_core::{Error, Failure, Payload, Result};
use serde::de::{DeserializeOwned, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserializer, Serialize};

use crate::json;

/// Collects the arguments of one call. Without any, it takes no memory.
#[derive(Debug, Default)]
pub struct Collect {
    bytes: Vec<u8>,
    error: Option<Error>,
}

impl Collect {
    /// No arguments so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the argument `name`.
    #[must_use]
    pub fn with<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Self {
        if self.error.is_none() {
            self.bytes
                .push(if self.bytes.is_empty() { b'[' } else { b',' });
            self.error = json::append(&mut self.bytes, name, value)
                .err()
                .map(|error| Error::invalid(format!("argument {}", error.message())));
        }
        self
    }

    /// All of them.
    ///
    /// # Errors
    /// `Invalid` for the first that JSON can't carry.
    pub(crate) fn payload(mut self) -> Result<Payload> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.bytes.is_empty() {
            return Ok(Payload::Null);
        }
        self.bytes.push(b']');
        Ok(Payload::json(self.bytes))
    }
}

/// The arguments of a function, as one tuple.
pub trait Arguments: Sized {
    /// Reads them; `names` are those of the parameters, for what is said of a wrong one.
    ///
    /// # Errors
    /// Which one is missing or wrong: no retry helps.
    fn read(payload: &Payload, names: &'static [&'static str]) -> Result<Self, Failure>;
}

/// What is wrong with the arguments of a job.
pub(crate) fn wrong(message: impl fmt::Display) -> Failure {
    Failure::new("InvalidArguments", message.to_string())
}

struct Positions<T> {
    names: &'static [&'static str],
    tuple: PhantomData<T>,
}

impl<T> Positions<T> {
    /// The argument at `index`.
    fn next<'de, A: SeqAccess<'de>, V: DeserializeOwned>(
        &self,
        sequence: &mut A,
        index: usize,
    ) -> Result<V, A::Error> {
        let name = self.names.get(index).copied().unwrap_or("?");
        match sequence.next_element() {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(A::Error::custom(format!("argument {name} is missing"))),
            Err(error) => Err(A::Error::custom(format!("argument {name}: {error}"))),
        }
    }

    /// Nothing may follow.
    fn end<'de, A: SeqAccess<'de>>(&self, sequence: &mut A) -> Result<(), A::Error> {
        let mut extra = 0;
        while sequence.next_element::<IgnoredAny>()?.is_some() {
            extra += 1;
        }
        let takes = self.names.len();
        let message = || format!("it takes {takes} arguments and was given {}", takes + extra);
        if extra == 0 {
            Ok(())
        } else {
            Err(A::Error::custom(message()))
        }
    }
}

impl Arguments for () {
    fn read(payload: &Payload, _: &'static [&'static str]) -> Result<Self, Failure> {
        match payload.as_json() {
            Some(b"null" | b"[]") => Ok(()),
            Some(_) => Err(wrong("it takes no arguments and was given some")),
            None => Err(wrong("live objects of another language are not JSON")),
        }
    }
}

macro_rules! tuples {
    ($($count:literal: $($type:ident $index:literal),+;)+) => {
        $(impl<$($type: DeserializeOwned),+> Arguments for ($($type,)+) {
            fn read(payload: &Payload, names: &'static [&'static str]) -> Result<Self, Failure> {
                let live = || wrong("live objects of another language are not JSON");
                let bytes = payload.as_json().ok_or_else(live)?;
                let mut reader = serde_json::Deserializer::from_slice(bytes);
                let positions = Positions { names, tuple: PhantomData::<Self> };
                let read = reader.deserialize_seq(positions);
                read.and_then(|tuple| reader.end().map(|()| tuple)).map_err(wrong)
            }
        }

        impl<'de, $($type: DeserializeOwned),+> Visitor<'de> for Positions<($($type,)+)> {
            type Value = ($($type,)+);

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!("an array of ", $count, " arguments"))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut sequence: S) -> Result<Self::Value, S::Error> {
                let tuple = ($(self.next::<S, $type>(&mut sequence, $index)?,)+);
                self.end(&mut sequence)?;
                Ok(tuple)
            }
        })+
    };
}

tuples! {
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
    6: A 0, B 1, C 2, D 3, E 4, F 5;
    7: A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
    9: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8;
    10: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9;
    11: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10;
    12: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11;
}
