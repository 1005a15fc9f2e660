//! Numbers for people.

/// A number with a comma before every three digits.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let (head, tail) = digits.split_at(first);
    let groups = tail.as_bytes().chunks(3).map(String::from_utf8_lossy);
    let mut parts: Vec<String> = groups.map(String::from).collect();
    if !head.is_empty() {
        parts.insert(0, head.to_owned());
    }
    parts.join(",")
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_three_digits_stand_apart() {
        let shown = [0, 999, 1_000, 123_456, 1_234_567].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "123,456", "1,234,567"]);
        assert_eq!(hex(&[0, 255]), "00ff");
    }
}
