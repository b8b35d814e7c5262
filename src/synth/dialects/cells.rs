//! The ways the exports write a cell.

/// Appends cells to a row under construction. Each call gives the row back, so
/// that a dialect reads as its list of columns.
pub trait Cells {
    /// Text as it stands.
    fn raw(&mut self, text: &str) -> &mut Self;
    /// A bare number.
    fn int(&mut self, number: impl itoa::Integer) -> &mut Self;
    /// Text in quotes only where a comma, a quote or a line end asks for them.
    fn minimal(&mut self, text: &str) -> &mut Self;
    /// The same, and also where there is a space.
    fn wordy(&mut self, text: &str) -> &mut Self;
    /// Text always in quotes.
    fn quoted(&mut self, text: &str) -> &mut Self;
    /// A number with thousands separators, in quotes if it has any, behind
    /// `sign`.
    fn grouped(&mut self, sign: &str, number: u64) -> &mut Self;
    /// A difference with its sign, grouped.
    fn change(&mut self, now: u64, before: u64) -> &mut Self;
}

impl Cells for Vec<u8> {
    fn raw(&mut self, text: &str) -> &mut Self {
        self.extend_from_slice(text.as_bytes());
        self
    }

    fn int(&mut self, number: impl itoa::Integer) -> &mut Self {
        self.raw(itoa::Buffer::new().format(number))
    }

    fn minimal(&mut self, text: &str) -> &mut Self {
        if text.bytes().any(|b| matches!(b, b',' | b'"' | b'\r' | b'\n')) {
            self.quoted(text)
        } else {
            self.raw(text)
        }
    }

    fn wordy(&mut self, text: &str) -> &mut Self {
        if text.contains(' ') { self.quoted(text) } else { self.minimal(text) }
    }

    fn quoted(&mut self, text: &str) -> &mut Self {
        self.push(b'"');
        let mut parts = text.split('"');
        self.raw(parts.next().unwrap_or_default());
        for part in parts {
            self.raw("\"\"").raw(part);
        }
        self.raw("\"")
    }

    fn grouped(&mut self, sign: &str, number: u64) -> &mut Self {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number);
        let quote = if digits.len() > 3 { "\"" } else { "" };
        self.raw(quote).raw(sign);
        for (at, digit) in digits.bytes().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                self.push(b',');
            }
            self.push(digit);
        }
        self.raw(quote)
    }

    fn change(&mut self, now: u64, before: u64) -> &mut Self {
        match now.checked_sub(before) {
            Some(0) => self.raw("0"),
            Some(gain) => self.grouped("+", gain),
            None => self.grouped("-", before - now),
        }
    }
}
