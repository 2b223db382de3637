//! The known name that a mistyped one most likely meant.

/// The candidate closest to `wrong`, if any is close. Names are dotted paths; the right last part in the wrong section
/// is close too.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let last = |name: &'a str| name.rsplit('.').next().unwrap_or(name);
    let wrong_last = wrong.rsplit('.').next().unwrap_or(wrong);
    let scored = known.into_iter().map(|name| {
        let elsewhere = distance(wrong_last, last(name)) + 1;
        (distance(wrong, name).min(elsewhere), name)
    });
    let limit = 1 + wrong_last.chars().count() / 3;
    // Of two sections that have it, the one nearer to the top.
    let depth = |name: &str| name.matches('.').count();
    scored
        .min_by_key(|(score, name)| (*score, depth(name)))
        .filter(|(score, _)| *score <= limit)
        .map(|(_, name)| name)
}

/// Levenshtein's: how many letters to insert, delete or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word_and_nonsense_finds_nothing() {
        let known = [
            "issuer",
            "data_dir",
            "http.certificates.listen",
            "http.listen",
            "http.trusted_proxies",
            "lifetimes.access_token",
        ];
        for (wrong, want) in [
            ("isuer", Some("issuer")),
            ("http.lisen", Some("http.listen")),
            ("listen", Some("http.listen")),
            ("datadir", Some("data_dir")),
            ("http.trusted_proxy", Some("http.trusted_proxies")),
            ("lifetime.access_token", Some("lifetimes.access_token")),
            ("colour", None),
        ] {
            assert_eq!(nearest(wrong, known), want, "{wrong}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
