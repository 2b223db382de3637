//! What is wrong with a value, in our words and not in Rust's.

/// Of what serde says of one value: what it is, and what was expected.
pub(crate) fn of(said: &str) -> String {
    let of_rust = ["invalid type: ", "invalid value: ", "unknown variant "];
    let Some(rest) = of_rust.into_iter().find_map(|start| said.strip_prefix(start)) else {
        return said.to_owned();
    };
    let Some((found, expected)) = rest.split_once(", expected ") else { return said.to_owned() };
    let expected = match expected {
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more",
        "a boolean" => "true or false",
        "a string" => "text",
        other => other,
    };
    // The value itself stands in quotes of one kind or the other, after the name of its type.
    let value = found.find(['`', '"']).map(|at| &found[at..]);
    value.map_or_else(
        || format!("expected {expected}"),
        |value| format!("{value} is not one; expected {expected}"),
    )
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn no_word_of_rusts_is_in_what_the_operator_reads() {
        for (said, want) in [
            (
                "invalid value: integer `-1`, expected u32",
                "`-1` is not one; expected a whole number from 0 to 4294967295",
            ),
            (
                "invalid type: floating point `1.5`, expected usize",
                "`1.5` is not one; expected a whole number, 0 or more",
            ),
            (
                "invalid type: string \"maybe\", expected a boolean",
                "\"maybe\" is not one; expected true or false",
            ),
            ("invalid type: sequence, expected a string", "expected text"),
            (
                "unknown variant `xml`, expected one of `auto`, `text`",
                "`xml` is not one; expected one of `auto`, `text`",
            ),
            ("\"8080\" is not one; expected an address", "\"8080\" is not one; expected an address"),
            ("expected text", "expected text"),
        ] {
            assert_eq!(of(said), want, "{said}");
        }
    }
}
