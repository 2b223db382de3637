//! Reads a Rust file as tokens: the paths it names, its attributes, macros, method calls and tests.
//! Tokens, not text, so that comments and strings never count; not a syntax tree, so that macros do.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::iter::Peekable;
use std::vec::IntoIter;

/// A path of two or more names, such as `crate::grant::GrantType`, with `super` and `self` resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) names: Vec<String>,
    pub(crate) line: usize,
}

impl Mention {
    pub(crate) fn text(&self) -> String {
        self.names.join("::")
    }
}

/// A name and the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) line: usize,
}

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) paths: Vec<Mention>,
    pub(crate) attributes: Vec<Named>,
    pub(crate) macros: Vec<Named>,
    pub(crate) methods: Vec<Named>,
    pub(crate) tests: Vec<Named>,
    /// First and last line of each `#[cfg(test)] mod name { … }`.
    pub(crate) test_modules: Vec<(usize, usize)>,
}

impl Source {
    pub(crate) fn is_in_test_module(&self, line: usize) -> bool {
        self.test_modules.iter().any(|(first, last)| (*first..=*last).contains(&line))
    }
}

type Tokens = Peekable<IntoIter<TokenTree>>;

/// Reads `text`, which stands in the given module. The error is the line at which it stops being Rust.
pub(crate) fn read(text: &str, module: &[String]) -> Result<Source, usize> {
    let stream: TokenStream =
        text.parse().map_err(|error: proc_macro2::LexError| error.span().start().line)?;
    let mut reader = Reader { module: module.to_vec(), source: Source::default() };
    reader.walk(stream);
    Ok(reader.source)
}

struct Reader {
    module: Vec<String>,
    source: Source,
}

impl Reader {
    fn walk(&mut self, stream: TokenStream) {
        let mut tokens = stream.into_iter().collect::<Vec<_>>().into_iter().peekable();
        let mut is_test = false;
        let mut after_dot = false;
        while let Some(token) = tokens.next() {
            let dotted = std::mem::replace(&mut after_dot, false);
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => is_test |= self.attribute(&mut tokens),
                TokenTree::Punct(punct) => after_dot = punct.as_char() == '.',
                TokenTree::Group(group) => self.walk(group.stream()),
                TokenTree::Literal(_) => {}
                TokenTree::Ident(ident) => {
                    let named = Named { line: ident.span().start().line, name: ident.to_string() };
                    match named.name.as_str() {
                        "mod" => {
                            self.module(&mut tokens, is_test);
                            is_test = false;
                        }
                        "fn" => {
                            self.function(&mut tokens, is_test);
                            is_test = false;
                        }
                        _ if dotted => self.method(&mut tokens, named),
                        _ => self.path(&mut tokens, named),
                    }
                }
            }
        }
    }

    /// `#[name(…)]` or `#![name(…)]`; says whether it marks a test or a module of tests.
    fn attribute(&mut self, tokens: &mut Tokens) -> bool {
        if is_punct(tokens.peek(), '!') {
            tokens.next();
        }
        let Some(TokenTree::Group(group)) = tokens.next_if(|token| is_group(token, Delimiter::Bracket))
        else {
            return false;
        };
        let names: Vec<String> = group
            .stream()
            .into_iter()
            .take_while(|token| !matches!(token, TokenTree::Group(_)))
            .filter_map(
                |token| if let TokenTree::Ident(ident) = token { Some(ident.to_string()) } else { None },
            )
            .collect();
        let line = group.span_open().start().line;
        if let Some(name) = names.first() {
            self.source.attributes.push(Named { name: name.clone(), line });
        }
        self.walk(group.stream());
        names.last().is_some_and(|name| name == "test")
            || group.stream().to_string().replace(' ', "") == "cfg(test)"
    }

    /// `mod name { … }`: paths inside it are relative to it.
    fn module(&mut self, tokens: &mut Tokens, is_test: bool) {
        let Some(TokenTree::Ident(name)) = tokens.next_if(|token| matches!(token, TokenTree::Ident(_)))
        else {
            return;
        };
        if let Some(TokenTree::Group(group)) = tokens.next_if(|token| is_group(token, Delimiter::Brace)) {
            if is_test {
                let lines = (group.span_open().start().line, group.span_close().end().line);
                self.source.test_modules.push(lines);
            }
            self.module.push(name.to_string());
            self.walk(group.stream());
            self.module.pop();
        }
    }

    fn function(&mut self, tokens: &mut Tokens, is_test: bool) {
        if let Some(TokenTree::Ident(name)) = tokens.next_if(|token| matches!(token, TokenTree::Ident(_)))
            && is_test
        {
            self.source.tests.push(Named { line: name.span().start().line, name: name.to_string() });
        }
    }

    fn method(&mut self, tokens: &mut Tokens, named: Named) {
        if tokens.peek().is_some_and(|token| is_group(token, Delimiter::Parenthesis)) {
            self.source.methods.push(named);
        }
    }

    /// A name, the names that follow it behind `::`, and the `{…}` of a `use`.
    fn path(&mut self, tokens: &mut Tokens, first: Named) {
        let line = first.line;
        let mut names = vec![first.name];
        while is_punct(tokens.peek(), ':') {
            tokens.next();
            if !is_punct(tokens.peek(), ':') {
                break;
            }
            tokens.next();
            match tokens.peek() {
                Some(TokenTree::Ident(ident)) => {
                    names.push(ident.to_string());
                    tokens.next();
                }
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let inside = group.stream();
                    tokens.next();
                    self.branches(&names, inside);
                    return;
                }
                _ => break,
            }
        }
        if is_punct(tokens.peek(), '!') {
            let name = names.last().cloned().unwrap_or_default();
            let mut ahead = tokens.clone();
            ahead.next();
            if matches!(ahead.peek(), Some(TokenTree::Group(_))) {
                self.source.macros.push(Named { name, line });
            }
        }
        self.mention(names, line);
    }

    /// The branches of a `use` tree, each a path of its own.
    fn branches(&mut self, prefix: &[String], inside: TokenStream) {
        let mut tokens = inside.into_iter().collect::<Vec<_>>().into_iter().peekable();
        while let Some(token) = tokens.next() {
            let TokenTree::Ident(ident) = token else { continue };
            let line = ident.span().start().line;
            match ident.to_string().as_str() {
                "as" => {
                    tokens.next();
                }
                "self" => self.mention(prefix.to_vec(), line),
                name => {
                    let mut names = prefix.to_vec();
                    names.push(name.to_owned());
                    self.branch(&mut tokens, names, line);
                }
            }
        }
    }

    fn branch(&mut self, tokens: &mut Tokens, mut names: Vec<String>, line: usize) {
        while is_punct(tokens.peek(), ':') {
            tokens.next();
            tokens.next();
            match tokens.next() {
                Some(TokenTree::Ident(ident)) => names.push(ident.to_string()),
                Some(TokenTree::Group(group)) => return self.branches(&names, group.stream()),
                _ => break,
            }
        }
        self.mention(names, line);
    }

    fn mention(&mut self, names: Vec<String>, line: usize) {
        if names.len() > 1 {
            self.source.paths.push(Mention { names: self.resolve(names), line });
        }
    }

    /// Turns `super::x` and `self::x` into `crate::…::x`.
    fn resolve(&self, names: Vec<String>) -> Vec<String> {
        let ups = names.iter().take_while(|name| *name == "super").count();
        let relative = ups.max(usize::from(names[0] == "self"));
        if relative == 0 {
            return names;
        }
        let kept = self.module.len().saturating_sub(ups);
        let mut whole = vec!["crate".to_owned()];
        whole.extend_from_slice(&self.module[..kept]);
        whole.extend(names.into_iter().skip(relative));
        whole
    }
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str, module: &[&str]) -> Vec<String> {
        let module: Vec<String> = module.iter().map(|&name| name.to_owned()).collect();
        read(text, &module).unwrap().paths.iter().map(Mention::text).collect()
    }

    #[test]
    fn use_trees_are_flattened() {
        let got = paths("use crate::{grant::{self, GrantType as G}, ids::Id, time::*};", &[]);
        assert_eq!(got, ["crate::grant", "crate::grant::GrantType", "crate::ids::Id", "crate::time"]);
    }

    #[test]
    fn super_and_self_are_resolved_from_the_module() {
        assert_eq!(paths("use super::super::grant::X;", &["authorize", "checks"]), ["crate::grant::X"]);
        assert_eq!(paths("use self::part::X;", &["authorize"]), ["crate::authorize::part::X"]);
        assert_eq!(
            paths("mod tests { use super::*; fn f() { super::super::job::run() } }", &["grant", "code"]),
            ["crate::grant::job::run"]
        );
    }

    #[test]
    fn paths_inside_macros_and_attributes_count_and_those_in_comments_and_strings_do_not() {
        let text = "// crate::a::B\n/* crate::c::D */ const X: &str = \"crate::e::F\";\n\
                    #[expect(crate::g::H)] fn f() { vec![crate::i::J] }";
        assert_eq!(paths(text, &[]), ["crate::g::H", "crate::i::J"]);
    }

    #[test]
    fn a_generic_argument_ends_a_path() {
        assert_eq!(paths("let x = a::B::<c::D>::new();", &[]), ["a::B", "c::D"]);
    }

    #[test]
    fn tests_are_functions_marked_so() {
        let text =
            "#[test] fn one() {} #[tokio::test(flavor = \"x\")] #[ignore] async fn two() {} fn three() {}";
        let names: Vec<String> = read(text, &[]).unwrap().tests.into_iter().map(|test| test.name).collect();
        assert_eq!(names, ["one", "two"]);
    }

    #[test]
    fn a_module_of_tests_has_its_lines() {
        let text = "use a::B;\n#[cfg(test)]\nmod tests {\n use c::D;\n}\n#[cfg(unix)]\nmod unix {\n}\n#[cfg(test)]\nmod more;";
        let source = read(text, &[]).unwrap();
        assert_eq!(source.test_modules, [(3, 5)]);
        assert!(source.is_in_test_module(4) && !source.is_in_test_module(1));
    }

    #[test]
    fn macros_methods_and_attributes_are_named_with_their_lines() {
        let source =
            read("fn f() {\n todo!();\n x.route(1);\n if a != b {}\n}\n#![allow(dead_code)]", &[]).unwrap();
        assert_eq!(source.macros, [Named { name: "todo".into(), line: 2 }]);
        assert_eq!(source.methods, [Named { name: "route".into(), line: 3 }]);
        assert_eq!(source.attributes, [Named { name: "allow".into(), line: 6 }]);
    }

    #[test]
    fn what_is_not_rust_is_reported_by_its_line() {
        assert_eq!(read("fn f() {}\nfn g( {", &[]).unwrap_err(), 2);
    }
}
