//! Case folding for comparison: `NFKC_Casefold`, as `casefold` of both languages and indexes of FQL v4 use it.

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// `NFKC_Casefold`: full case folding, compatibility forms composed, default-ignorable characters removed.
pub fn fold_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mapper = CaseMapper::new();
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let visible: String = text.chars().filter(|c| !is_ignorable(*c)).collect();
    let decomposed = DecomposingNormalizerBorrowed::new_nfd()
        .normalize(&visible)
        .into_owned();
    // Folding and compatibility mapping bring forth each other's input; twice reaches the end.
    let folded = nfkc
        .normalize(&mapper.fold_string(&decomposed))
        .into_owned();
    let folded = nfkc.normalize(&mapper.fold_string(&folded)).into_owned();
    let visible: String = folded.chars().filter(|c| !is_ignorable(*c)).collect();
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(&visible)
        .into_owned()
}

/// The property `Default_Ignorable_Code_Point`.
fn is_ignorable(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFF8
        | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}
