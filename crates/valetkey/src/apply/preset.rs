//! The presets that the binary brings along: the files of `presets/`, as they are.

use super::Source;

macro_rules! presets {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../../presets/", $name, ".toml")))),*]
    };
}

/// Each by its name.
pub(crate) const ALL: &[(&str, &str)] = presets!["tout" "mastodon" "toon" "service-account" "own-provider"];

/// One of them; it is called by the path that it has in the source.
pub(crate) fn find(name: &str) -> Option<Source> {
    let (name, text) = ALL.iter().find(|(own, _)| *own == name)?;
    Some(Source { path: format!("presets/{name}.toml").into(), text: (*text).to_owned() })
}

/// For the command line.
pub(crate) fn parse(name: &str) -> Result<(String, Source), String> {
    let all = || ALL.iter().map(|(name, _)| *name);
    find(name).map(|source| (name.to_owned(), source)).ok_or_else(|| {
        let near = crate::config::nearest::nearest(name, all());
        let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
        format!("there is no such preset{near}; there are {}", all().collect::<Vec<_>>().join(", "))
    })
}
