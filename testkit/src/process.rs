/// A process as Linux tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(
    /// Its number.
    pub u32,
);

impl Process {
    /// Whether it is there and not a zombie.
    pub fn lives(self) -> bool {
        self.state().is_some_and(|state| state != 'Z')
    }

    /// Whether it was told to stand still.
    pub fn is_stopped(self) -> bool {
        self.state() == Some('T')
    }

    /// The number of its parent, while it is there.
    pub fn parent(self) -> Option<u32> {
        self.field(1)?.parse().ok()
    }

    fn state(self) -> Option<char> {
        self.field(0)?.chars().next()
    }

    /// A field of its line, counted from behind its name, which may have blanks and brackets itself.
    fn field(self, index: usize) -> Option<String> {
        let line = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        let (_, fields) = line.rsplit_once(')')?;
        fields.split_whitespace().nth(index).map(str::to_owned)
    }
}
