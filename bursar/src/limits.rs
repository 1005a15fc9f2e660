//! What a command may use.

use bursar_core::{CpuAction, OptionValue, Resource};

use crate::values::{CpuValue, DurationValue, SizeValue};

/// What a command may use, with everything that it starts. 0 is 0: who uses any of it is stopped. What is
/// not said is not limited, but for memory and cpu, where what is reserved is the limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommandLimits {
    said: Vec<(String, OptionValue)>,
}

impl CommandLimits {
    /// What is reserved, and nothing else.
    pub fn new() -> Self {
        Self::default()
    }

    /// Memory of all its processes together.
    pub fn memory(self, size: impl Into<SizeValue>) -> Self {
        self.say("memory", size.into().0)
    }

    /// Cores, as the average over five seconds; see [`cpu_action`](Self::cpu_action).
    pub fn cpu(self, cores: impl Into<CpuValue>) -> Self {
        self.say("cpu", cores.into().0)
    }

    /// What happens above [`cpu`](Self::cpu); default: it is slowed down to that.
    pub fn cpu_action(self, action: CpuAction) -> Self {
        self.say("cpu_action", OptionValue::Text(action.to_string()))
    }

    /// Processor time in all.
    pub fn cpu_time(self, time: impl Into<DurationValue>) -> Self {
        self.say("cpu_time", time.into().0)
    }

    /// Descriptors that are open at once.
    pub fn files(self, files: u32) -> Self {
        self.say("files", OptionValue::Int(files.into()))
    }

    /// Sockets that are open at once, but for those that lead nowhere but to this machine's own files.
    pub fn connections(self, connections: u32) -> Self {
        self.say("connections", OptionValue::Int(connections.into()))
    }

    /// No limit of this, whatever is reserved.
    pub fn unlimited(self, resource: Resource) -> Self {
        self.say(resource.as_str(), OptionValue::Null)
    }

    fn say(mut self, name: &str, value: OptionValue) -> Self {
        self.said.retain(|(said, _)| said != name);
        self.said.push((name.to_owned(), value));
        self
    }

    pub(crate) fn value(self) -> OptionValue {
        OptionValue::Map(self.said)
    }
}
