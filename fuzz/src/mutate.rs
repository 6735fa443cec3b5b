//! Which inputs lie near a seed?
//!
//! The same ones in every run: a generator of numbers with a given start picks the edits. They are the edits that
//! break readers: bytes cut, doubled, swapped and overwritten, pieces of one seed inside another, and tokens that mean
//! something to a reader.

/// Pieces that readers of JSON, YAML, policies and conditions take apart.
const TOKENS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b":",
    b",",
    b"\n",
    b"  ",
    b"*",
    b"?",
    b"${",
    b"}",
    b"{{",
    b"}}",
    b"'",
    b"null",
    b"true",
    b"-",
    b"0",
    b"1e999999999",
    b"-0",
    b"\\ud800",
    b"\\u0000",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"\"Condition\"",
    b"\"Principal\"",
    b"ForAllValues:",
    b"IfExists",
    b"arn:aws:kms:",
    b"::",
    b"/",
    b"#",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!",
    b"|",
    b">",
    b"%",
    b"\t",
    b"\r\n",
    b"1970-01-01T00:00:00Z",
    b"::/0",
    b"9999999999999999999999",
];

/// Numbers that look random and are the same in every run (splitmix64).
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// The sequence that starts here.
    pub fn from(start: u64) -> Self {
        Self(start)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, or 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    fn pick<'p, T>(&mut self, from: &'p [T]) -> Option<&'p T> {
        let at = self.below(from.len());
        from.get(at)
    }
}

/// An input near one of the seeds, with up to eight edits.
pub fn near(seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut input = numbers.pick(seeds).cloned().unwrap_or_default();
    for _ in 0..=numbers.below(8) {
        edit(&mut input, seeds, numbers);
    }
    input
}

fn edit(input: &mut Vec<u8>, seeds: &[Vec<u8>], numbers: &mut Numbers) {
    let at = numbers.below(input.len() + 1);
    let end = (at + numbers.below(24)).min(input.len());
    match numbers.below(7) {
        0 => drop(input.drain(at..end)),
        1 => {
            let piece: Vec<u8> = input.iter().take(end).skip(at).copied().collect();
            input.splice(at..at, piece);
        }
        2 => {
            let token = numbers.pick(TOKENS).copied().unwrap_or_default();
            input.splice(at..at, token.iter().copied());
        }
        3 => {
            let token = numbers.pick(TOKENS).copied().unwrap_or_default();
            input.splice(at..end, token.iter().copied());
        }
        4 => {
            let byte = u8::try_from(numbers.below(256)).unwrap_or_default();
            if let Some(place) = input.get_mut(at) {
                *place = byte;
            }
        }
        5 => {
            let other = numbers.pick(seeds).cloned().unwrap_or_default();
            let from = numbers.below(other.len());
            let length = numbers.below(64);
            input.splice(at..at, other.into_iter().skip(from).take(length));
        }
        _ => input.truncate(at),
    }
}
