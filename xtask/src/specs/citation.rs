//! Reads citations: `RFC 6749 §4.1.2` in prose, `rfc6749_4_1_2_what` in a test's name.

use super::titles::{STANDARDS, Standard};

/// A part of a standard. An empty section means the whole of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Citation {
    pub(crate) standard: &'static Standard,
    pub(crate) section: String,
}

/// What a spec header cites before its dash, or why it is not well formed.
pub(crate) fn cited_by_header(header: &str) -> Result<Vec<Citation>, String> {
    let form = "a spec header reads `//! RFC NNNN §x — title`";
    let Some((cited, title)) = header.split_once(" — ") else {
        return Err(format!("{form}: the ` — ` is missing"));
    };
    if title.trim().is_empty() {
        return Err(format!("{form}: the title is missing"));
    }
    let mut found = Vec::new();
    let mut rest = cited;
    while !rest.is_empty() {
        let (citations, after) = leading(rest)?.ok_or_else(|| format!("{form}: `{rest}` cites nothing"))?;
        found.extend(citations);
        let bare = after.trim_start();
        rest = bare.strip_prefix("and ").unwrap_or(bare).trim_start_matches([',', ';', ' ']);
    }
    Ok(found)
}

/// Whether an opening line means to be a spec header.
pub(crate) fn claims_spec(header: &str) -> bool {
    starts_number(header) || STANDARDS.iter().any(|standard| header.starts_with(standard.cited))
}

/// Every citation in prose; an error for each RFC whose title is not known.
pub(crate) fn cited_in(prose: &str) -> Vec<Result<Citation, String>> {
    let mut found = Vec::new();
    let mut rest = prose;
    while let Some(first) = rest.chars().next() {
        match leading(rest) {
            Ok(None) => rest = &rest[first.len_utf8()..],
            Ok(Some((citations, after))) => {
                found.extend(citations.into_iter().map(Ok));
                rest = after;
            }
            Err(what) => {
                found.push(Err(what));
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    found
}

/// What the name of a test cites: `None` if it names no standard.
pub(crate) fn cited_by_test(name: &str) -> Option<Result<Citation, String>> {
    let (standard, rest) = match name.strip_prefix("rfc") {
        Some(rest) => {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = rest.split_at(digits);
            match (number.is_empty(), by_number(number)) {
                (true, _) => return None,
                (false, Err(what)) => return Some(Err(what)),
                (false, Ok(standard)) => (standard, rest),
            }
        }
        None => {
            STANDARDS.iter().find_map(|standard| Some((standard, name.strip_prefix(standard.in_tests)?)))?
        }
    };
    let section = section_of_test(rest);
    if section.is_empty() {
        let missing = "a test of a standard is named rfcNNNN_section_what".to_owned();
        return name.starts_with("rfc").then_some(Err(missing));
    }
    Some(Ok(Citation { standard, section }))
}

/// `_4_1_2_code_is_single_use` and `_section_4_1_2_…` → `4.1.2`; `_appendix_b_example` → `B`.
fn section_of_test(rest: &str) -> String {
    let mut words = rest.split('_').skip(1).peekable();
    if words.next_if_eq(&"appendix").is_some() {
        return words.next().unwrap_or_default().to_uppercase();
    }
    words.next_if_eq(&"section");
    let is_number = |word: &&str| (1..=2).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
    words.take_while(is_number).collect::<Vec<_>>().join(".")
}

/// The standard whose requirements are cited without `§`: `ASVS 10.7, 6.2.4`.
const UNMARKED: &str = "ASVS";

fn bare_sections(text: &str) -> (Vec<String>, &str) {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(bare) = [" §", " ", ", "].iter().find_map(|glue| rest.strip_prefix(glue)) {
        let Ok((section, after)) = section(bare) else { break };
        found.push(section);
        rest = range_end(after, &mut found);
    }
    (found, rest)
}

type Leading<'a> = Option<(Vec<Citation>, &'a str)>;

/// The citation that `text` starts with, and what follows it.
fn leading(text: &str) -> Result<Leading<'_>, String> {
    let (standards, rest) = if starts_number(text) {
        numbered(&text["RFC ".len()..])?
    } else if let Some(standard) = STANDARDS.iter().find(|standard| text.starts_with(standard.cited)) {
        let rest = &text[standard.cited.len()..];
        // The revision may stand behind the name: `NIST SP 800-63B-4 §3.2.2`.
        (vec![standard], rest.strip_prefix("-4").unwrap_or(rest))
    } else {
        return Ok(None);
    };
    let is_unmarked = standards.iter().any(|standard| standard.cited == UNMARKED);
    let (sections, rest) = if is_unmarked { bare_sections(rest) } else { sections(rest)? };
    let wholes = if sections.is_empty() { vec![String::new()] } else { sections };
    let each = |standard| wholes.iter().map(move |section| Citation { standard, section: section.clone() });
    Ok(Some((standards.into_iter().flat_map(each).collect(), rest)))
}

fn starts_number(text: &str) -> bool {
    text.strip_prefix("RFC ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// `6749` or `7515–7519`: the standards, and what follows.
fn numbered(text: &str) -> Result<(Vec<&'static Standard>, &str), String> {
    let (first, rest) = digits(text);
    let range = rest.strip_prefix('–').map(digits).filter(|(last, _)| !last.is_empty());
    let Some((last, rest)) = range else { return Ok((vec![by_number(first)?], rest)) };
    let (from, to) = (number(first), number(last));
    let within =
        |standard: &&Standard| (from..=to).contains(&number(standard.cited.trim_start_matches("RFC ")));
    Ok((STANDARDS.iter().filter(within).collect(), rest))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len())
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or(0)
}

fn by_number(number: &str) -> Result<&'static Standard, String> {
    let found = STANDARDS.iter().find(|standard| standard.cited.strip_prefix("RFC ") == Some(number));
    found.ok_or_else(|| format!("RFC {number} has no title in xtask/src/specs/titles.rs"))
}

/// The sections that follow a standard's name: `§4.1.2/§5.2, §6 and §7.1–7.3`.
fn sections(text: &str) -> Result<(Vec<String>, &str), String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(marked) = next_mark(rest, found.is_empty()) {
        let (section, after) = section(marked)?;
        found.push(section);
        rest = range_end(after, &mut found);
    }
    Ok((found, rest))
}

/// `–7.3`: the last section of a range is cited as well.
fn range_end<'a>(text: &'a str, found: &mut Vec<String>) -> &'a str {
    let Some(tail) = text.strip_prefix('–').filter(|tail| tail.starts_with(|c: char| c.is_ascii_digit()))
    else {
        return text;
    };
    let (last, rest) = section_word(tail);
    found.push(last.to_owned());
    rest
}

/// What follows the next `§`, if it still belongs to the same standard.
fn next_mark(text: &str, is_first: bool) -> Option<&str> {
    let glue: &[&str] = if is_first { &[" ", ""] } else { &[", ", "/", " and ", " ", "; "] };
    let marked = glue.iter().find_map(|glue| text.strip_prefix(glue)?.strip_prefix('§'))?;
    Some(marked.trim_start_matches('§'))
}

fn section(text: &str) -> Result<(String, &str), String> {
    let (word, rest) = section_word(text);
    let mut parts = word.split('.');
    let is_number =
        |part: &str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
    let first = parts.next().unwrap_or_default();
    let is_appendix = first.len() == 1 && first.bytes().all(|b| b.is_ascii_uppercase());
    if (is_number(first) || is_appendix) && parts.all(is_number) {
        return Ok((word.to_owned(), rest));
    }
    Err(format!("`§{word}` is not a section"))
}

fn section_word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(text.len());
    let end = text[..end].trim_end_matches('.').len();
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(citations: Vec<Citation>) -> Vec<String> {
        citations
            .into_iter()
            .map(|citation| format!("{} §{}", citation.standard.cited, citation.section))
            .collect()
    }

    #[test]
    fn prose_is_searched_for_citations() {
        for (prose, want) in [
            ("RFC 6749 §4.1.2.1/§5.2, its extensions", vec!["RFC 6749 §4.1.2.1", "RFC 6749 §5.2"]),
            ("as RFC 9700 §4.14.2 says, and RFC 6750 §3.", vec!["RFC 9700 §4.14.2", "RFC 6750 §3"]),
            ("OIDC Core §3.1.2.6.", vec!["OIDC Core §3.1.2.6"]),
            (
                "RFC 7636 §B, §4.1–4.3 and §5",
                vec!["RFC 7636 §B", "RFC 7636 §4.1", "RFC 7636 §4.3", "RFC 7636 §5"],
            ),
            ("RFC 7517–7519 (JOSE)", vec!["RFC 7517 §", "RFC 7518 §", "RFC 7519 §"]),
            ("RFC 7009, then §2", vec!["RFC 7009 §"]),
            (
                "ASVS 3.4, 6.2.4 6.2.11; RFC 9700 §2.6",
                vec!["ASVS §3.4", "ASVS §6.2.4", "ASVS §6.2.11", "RFC 9700 §2.6"],
            ),
            ("ASVS 7.2–7.4", vec!["ASVS §7.2", "ASVS §7.4"]),
            ("(ASVS 3.5, RFC 6749 §10.12)", vec!["ASVS §3.5", "RFC 6749 §10.12"]),
            ("NIST SP 800-63B-4 §3.2.2", vec!["NIST SP 800-63B §3.2.2"]),
            ("the RFC says", vec![]),
        ] {
            let got: Vec<Citation> = cited_in(prose).into_iter().map(Result::unwrap).collect();
            assert_eq!(shown(got), want, "{prose}");
        }
    }

    #[test]
    fn an_rfc_without_a_title_is_reported() {
        assert!(
            cited_in("see RFC 1149 §1")
                .contains(&Err("RFC 1149 has no title in xtask/src/specs/titles.rs".into()))
        );
        assert!(matches!(cited_by_test("rfc1149_1_pigeons"), Some(Err(_))));
    }

    #[test]
    fn headers_cite_then_name() {
        for (header, want) in [
            ("RFC 6749 §6 — refresh, reuse per RFC 9700 §4.14.2", Some(vec!["RFC 6749 §6"])),
            ("RFC 6749 §4.1.2, RFC 9207 §2 — answers", Some(vec!["RFC 6749 §4.1.2", "RFC 9207 §2"])),
            ("RFC 7515 §3 and OIDC Core §2 — x", Some(vec!["RFC 7515 §3", "OIDC Core §2"])),
            ("RFC 8414 — metadata", Some(vec!["RFC 8414 §"])),
            ("RFC 6749 §6: refresh", None),
            ("RFC 6749 §six — refresh", None),
            ("RFC 6749 chapter 6 — refresh", None),
            ("RFC 1149 §1 — pigeons", None),
            ("RFC 6749 §6 —  ", None),
        ] {
            let want = want.map(|list| list.into_iter().map(str::to_owned).collect());
            assert_eq!(cited_by_header(header).ok().map(shown), want, "{header}");
        }
    }

    #[test]
    fn tests_cite_by_name() {
        for (name, want) in [
            ("rfc6749_6_scope_may_shrink", Some("RFC 6749 §6")),
            ("rfc6749_4_1_2_code_is_single_use", Some("RFC 6749 §4.1.2")),
            ("rfc6749_section_3_1_2_only_safe_uris", Some("RFC 6749 §3.1.2")),
            ("rfc6749_5_2_400_for_a_bad_grant", Some("RFC 6749 §5.2")),
            ("rfc7636_appendix_b_example", Some("RFC 7636 §B")),
            ("oidc_core_3_1_2_1_prompt_none", Some("OIDC Core §3.1.2.1")),
        ] {
            let got = cited_by_test(name).map(|citation| shown(vec![citation.unwrap()]).remove(0));
            assert_eq!(got.as_deref(), want, "{name}");
        }
        assert!(matches!(cited_by_test("rfc7009_unknown_token"), Some(Err(_))));
        assert!(cited_by_test("oidc_core_is_announced").is_none());
        assert!(cited_by_test("a_code_is_single_use").is_none());
        assert!(cited_by_test("rfcs_stand_in_order").is_none());
    }
}
