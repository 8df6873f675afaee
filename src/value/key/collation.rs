//! Collation of strings: ICU's root collation, with a fast path for ASCII.

use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::sync::OnceLock;

/// The collator, and what it says about ASCII.
#[derive(Debug)]
pub(super) struct Collation {
    pub(super) collator: CollatorBorrowed<'static>,
    /// Made when the first string is written: a process may end without one.
    ascii: OnceLock<Box<AsciiTable>>,
}

/// Collation of each ASCII character, if it is as simple as it should be.
type AsciiTable = [Option<Ascii>; 128];

/// What one ASCII character adds to a sort key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ascii {
    /// The primary weight, left-aligned; 0 for ignored characters.
    primary: u32,
    /// The primary's lead byte is written once for a run of characters that share it.
    compressible: bool,
    /// The tertiary weight as sort keys have it; 0 for the common one.
    tertiary: u16,
}

impl Collation {
    /// The root collation.
    pub(super) fn new() -> Collation {
        // Compiled-in data of the root locale cannot be missing: its absence is a build error.
        #[allow(clippy::expect_used)]
        let collator =
            Collator::try_new(CollatorPreferences::default(), CollatorOptions::default())
                .expect("the root collation is compiled in");
        Collation {
            collator,
            ascii: OnceLock::new(),
        }
    }

    pub(super) fn ascii(&self) -> &AsciiTable {
        self.ascii.get_or_init(|| {
            let mut ascii = Box::new([None; 128]);
            for (byte, entry) in (0u8..).zip(ascii.iter_mut()) {
                *entry = Ascii::probe(&self.collator, char::from(byte));
            }
            ascii
        })
    }

    /// Tells versions of the collation apart: keys written under another one must be written anew.
    pub(super) fn fingerprint(&self) -> u64 {
        // FNV-1a, because the standard hasher may change.
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        let mut key = Vec::new();
        // Few enough that opening a file does not wait for it; another version moves weights in every script.
        for start in (0x20u32..0x3000)
            .step_by(101)
            .chain((0x3000..0x1_0000).step_by(2111))
        {
            let Some(sample) = char::from_u32(start) else {
                continue;
            };
            key.clear();
            let Ok(()) = self
                .collator
                .write_sort_key_to(sample.encode_utf8(&mut [0; 4]), &mut key);
            for byte in key.iter().chain(&[0]) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        hash
    }

    /// The order of two strings, ties broken by their bytes.
    pub(super) fn compare(&self, a: &str, b: &str) -> Ordering {
        self.collator.compare(a, b).then_with(|| a.cmp(b))
    }

    /// Appends the sort key of a text; no byte of it is zero.
    pub(super) fn write(&self, text: &str, out: &mut Vec<u8>) {
        let start = out.len();
        if !self.write_ascii(text, out) {
            out.truncate(start);
            let Ok(()) = self.collator.write_sort_key_to(text, out);
        }
    }

    /// The sort key of ASCII text, written from the table the way ICU writes it (common weights and
    /// lead bytes compressed): several times faster, the same bytes. Gives up on other text.
    pub(super) fn write_ascii(&self, text: &str, out: &mut Vec<u8>) -> bool {
        let ascii = self.ascii();
        let mut counted = 0usize;
        let mut common = 0usize;
        let mut lead = 0u32;
        let mut tertiary: SmallVec<[u8; 64]> = SmallVec::new();
        for byte in text.bytes() {
            let Some(Some(weights)) = ascii.get(usize::from(byte)) else {
                return false;
            };
            let primary = weights.primary;
            if primary == 0 {
                continue;
            }
            let bytes = primary.to_be_bytes();
            if !weights.compressible || bytes[0] != lead.to_be_bytes()[0] {
                if lead != 0 {
                    // Ends a run of characters with one lead byte.
                    if primary > lead {
                        out.push(0xff);
                    } else if bytes[0] > 2 {
                        out.push(3);
                    }
                }
                out.push(bytes[0]);
                lead = if weights.compressible { primary } else { 0 };
            }
            for byte in &bytes[1..] {
                if *byte == 0 {
                    break;
                }
                out.push(*byte);
            }
            counted += 1;
            if weights.tertiary == 0 {
                common += 1;
                continue;
            }
            let above = weights.tertiary > 0x0500;
            push_common(&mut tertiary, common, 0x60, above);
            common = 0;
            tertiary.push((weights.tertiary >> 8) as u8);
            if weights.tertiary as u8 != 0 {
                tertiary.push(weights.tertiary as u8);
            }
        }
        push_common(&mut tertiary, common, 0x60, false);
        out.push(1);
        push_common(out, counted, 0x20, false);
        out.push(1);
        out.extend_from_slice(&tertiary);
        true
    }
}

/// A run of common weights: 5 to 5 + `range`, or counted down from 5 + 2 * `range` before a higher weight.
fn push_common(out: &mut impl Extend<u8>, count: usize, range: u8, before_higher: bool) {
    let Some(mut count) = count.checked_sub(1) else {
        return;
    };
    let most = usize::from(range) + 1;
    while count >= most {
        out.extend([5 + range]);
        count -= most;
    }
    let count = count as u8;
    out.extend([if before_higher {
        5 + 2 * range - count
    } else {
        5 + count
    }]);
}

impl Ascii {
    /// Learns a character's weights from the sort keys of itself and of itself twice.
    fn probe(collator: &CollatorBorrowed<'static>, c: char) -> Option<Ascii> {
        let key = |text: &str| {
            let mut key = Vec::new();
            let Ok(()) = collator.write_sort_key_to(text, &mut key);
            key
        };
        let (once, twice) = (key(&c.to_string()), key(&format!("{c}{c}")));
        let mut levels = once.split(|byte| *byte == 1);
        let (primary, secondary, tertiary) = (levels.next()?, levels.next()?, levels.next()?);
        if primary.is_empty() {
            let ignored = secondary.is_empty() && tertiary.is_empty();
            return ignored.then_some(Ascii {
                primary: 0,
                compressible: false,
                tertiary: 0,
            });
        }
        let tertiary = match tertiary {
            [5] => 0,
            [high] => u16::from(*high) << 8,
            [high, low] => u16::from(*high) << 8 | u16::from(*low),
            _ => return None,
        };
        if secondary != [5] || primary.len() > 4 {
            return None;
        }
        let mut weight = [0; 4];
        weight[..primary.len()].copy_from_slice(primary);
        let repeated = twice.split(|byte| *byte == 1).next()?;
        let compressible = repeated.len() < 2 * primary.len();
        Some(Ascii {
            primary: u32::from_be_bytes(weight),
            compressible,
            tertiary,
        })
    }
}
