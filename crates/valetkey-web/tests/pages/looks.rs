//! The stylesheet: contrast of its colours, and what it must not hold.

use valetkey_web::pages::assets::ASSETS;

fn style() -> &'static str {
    std::str::from_utf8(ASSETS.style.bytes).unwrap()
}

/// A token's colour in the light (first) or dark (second) scheme.
fn colour(token: &str, scheme: usize) -> [f64; 3] {
    let mark = format!("--{token}: #");
    let hex = style().split(&mark).nth(scheme + 1).unwrap_or_else(|| panic!("{token} has no value {scheme}"));
    [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0)
}

/// WCAG 2.2, relative luminance.
fn luminance(colour: [f64; 3]) -> f64 {
    let [r, g, b] = colour.map(|c| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

#[test]
fn wcag_1_4_3_every_pair_of_text_and_ground_is_at_least_4_5_to_1_in_both_schemes() {
    let mut pairs = vec![("brass", "brass-wash"), ("brass-ink", "brass"), ("paper", "soft")];
    for text in ["ink", "soft", "brass"] {
        pairs.extend(["ground", "paper", "sunk"].map(|ground| (text, ground)));
    }
    for (text, wash) in [("good", "good-wash"), ("warn", "warn-wash"), ("bad", "bad-wash")] {
        pairs.extend([(text, wash), (text, "paper"), ("ink", wash)]);
    }
    for (text, ground) in pairs {
        for scheme in [0, 1] {
            let (a, b) = (luminance(colour(text, scheme)), luminance(colour(ground, scheme)));
            let ratio = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(ratio >= 4.5, "{text} on {ground}, scheme {scheme}: {ratio:.2}");
        }
    }
}

#[test]
fn deny_weighs_as_much_as_allow_in_both_schemes() {
    let ground = |button: &str| {
        let rule = style().split(&format!(".button.{button} {{ background: var(--")).nth(1).unwrap();
        rule.split(')').next().unwrap().to_owned()
    };
    for scheme in [0, 1] {
        let paper = luminance(colour("paper", scheme));
        let [deny, allow] = ["firm", "primary"].map(|button| {
            let own = luminance(colour(&ground(button), scheme));
            (own.max(paper) + 0.05) / (own.min(paper) + 0.05)
        });
        assert!((0.75..1.33).contains(&(deny / allow)), "scheme {scheme}: {deny:.2} to {allow:.2}");
    }
}

#[test]
fn the_stylesheet_loads_nothing_and_respects_the_readers_settings() {
    assert!(!style().contains("url(") && !style().contains("@import") && !style().contains("@font-face"));
    for query in
        ["prefers-color-scheme: dark", "prefers-reduced-motion", "forced-colors: active", "@media print"]
    {
        assert!(style().contains(query), "{query}");
    }
}
