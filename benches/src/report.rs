//! A line per figure for people, a JSON object per figure for the script that collects them.

use serde_json::json;

/// What a figure is held to.
#[derive(Clone, Copy, Default)]
pub struct Goal {
    /// What must be reached.
    pub bar: Option<f64>,
    /// What would be better still.
    pub stretch: Option<f64>,
}

/// Something that it is compared with.
pub struct Peer {
    /// Who it is.
    pub name: &'static str,
    /// Its figure, in the same unit.
    pub value: f64,
}

/// Prints figures as they come.
pub struct Report {
    json: bool,
}

impl Report {
    /// A report for people, or of one JSON object a line.
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// `goal` is about the ratio to the peer where there is one, else about the value.
    pub fn line(&self, name: &str, value: f64, unit: &str, peer: Option<Peer>, goal: Goal) {
        let ratio = peer.as_ref().map(|peer| value / peer.value);
        let (peer_name, peer_value) =
            peer.map_or((None, None), |peer| (Some(peer.name), Some(peer.value)));
        if self.json {
            let line = json!({
                "name": name, "value": value, "unit": unit, "peer": peer_name, "peer_value": peer_value,
                "ratio": ratio, "bar": goal.bar, "stretch": goal.stretch,
            });
            return println!("{line}");
        }
        let beside = peer_name.zip(peer_value).zip(ratio);
        let beside = beside.map_or(String::new(), |((name, value), ratio)| {
            format!("{name} {value:.0}: {ratio:.2}x")
        });
        let goal = goal.bar.map_or(String::new(), |bar| format!("bar {bar}"));
        println!("{name:<44} {value:>12.1} {unit:<8} {beside:<28} {goal}");
    }
}

/// The one in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
