//! Templates to HTML: embedded, strict about what is undefined, escaped, and open to an operator's own versions.

use super::assets::{ASSETS, Asset};
use super::samples;
use super::view::Site;
pub use crate::layer::csp::Policy;
use http::HeaderValue;
use minijinja::value::Serde;
use minijinja::{
    Environment, HtmlEscape, Output, State, UndefinedBehavior, Value, context, escape_formatter,
};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// Every template in the binary. All end in `.html`, which is what switches escaping on.
pub const TEMPLATES: [(&str, &str); 38] = [
    ("base.html", include_str!("templates/base.html")),
    ("stage.html", include_str!("templates/stage.html")),
    ("parts.html", include_str!("templates/parts.html")),
    ("account.html", include_str!("templates/account.html")),
    ("account_apps.html", include_str!("templates/account_apps.html")),
    ("account_delete.html", include_str!("templates/account_delete.html")),
    ("account_details.html", include_str!("templates/account_details.html")),
    ("account_log.html", include_str!("templates/account_log.html")),
    ("account_parts.html", include_str!("templates/account_parts.html")),
    ("account_password.html", include_str!("templates/account_password.html")),
    ("account_profile.html", include_str!("templates/account_profile.html")),
    ("account_stage.html", include_str!("templates/account_stage.html")),
    ("consent.html", include_str!("templates/consent.html")),
    ("console.html", include_str!("templates/console.html")),
    ("dev_callback.html", include_str!("templates/dev_callback.html")),
    ("developer.html", include_str!("templates/developer.html")),
    ("developer_app.html", include_str!("templates/developer_app.html")),
    ("developer_confirm.html", include_str!("templates/developer_confirm.html")),
    ("developer_new.html", include_str!("templates/developer_new.html")),
    ("developer_parts.html", include_str!("templates/developer_parts.html")),
    ("developer_settings.html", include_str!("templates/developer_settings.html")),
    ("developer_stage.html", include_str!("templates/developer_stage.html")),
    ("device.html", include_str!("templates/device.html")),
    ("decided.html", include_str!("templates/decided.html")),
    ("error.html", include_str!("templates/error.html")),
    ("form_post.html", include_str!("templates/form_post.html")),
    ("home.html", include_str!("templates/home.html")),
    ("login.html", include_str!("templates/login.html")),
    ("new_account_parts.html", include_str!("templates/new_account_parts.html")),
    ("new_password.html", include_str!("templates/new_password.html")),
    ("out_of_band.html", include_str!("templates/out_of_band.html")),
    ("setup.html", include_str!("templates/setup.html")),
    ("sign_out.html", include_str!("templates/sign_out.html")),
    ("sign_up.html", include_str!("templates/sign_up.html")),
    ("signed_out.html", include_str!("templates/signed_out.html")),
    ("unconfirmed.html", include_str!("templates/unconfirmed.html")),
    ("upstream.html", include_str!("templates/upstream.html")),
    ("account_methods.html", include_str!("templates/account_methods.html")),
];

/// A view model with its template and its Content-Security-Policy.
pub trait Page: Serialize {
    const TEMPLATE: &'static str;
    const POLICY: Policy;

    /// The header: the policy's own, unless the page may frame others.
    fn policy(&self) -> HeaderValue {
        Self::POLICY.header()
    }
}

/// Renders pages. Cheap to share behind an `Arc`; it never reads a file after it was made.
#[derive(Debug)]
pub struct Renderer {
    env: Environment<'static>,
}

impl Renderer {
    /// Reads the operator's templates, if a directory is given, and tries every page with them on every sample, so
    /// that a broken one stops the start and not a person's sign-in.
    pub fn new(overrides: Option<PathBuf>) -> Result<Self, TemplateError> {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        // Debug output of errors would show the variables, and with them an interaction or a code.
        env.set_debug(false);
        env.set_formatter(write_visible);
        env.add_filter("exact", exact);
        env.add_global("assets", assets());
        for (name, source) in TEMPLATES {
            env.add_template(name, source).map_err(|error| TemplateError::broken(name, &error))?;
        }
        let mut renderer = Self { env };
        if let Some(directory) = overrides {
            renderer.read_overrides(&directory)?;
            renderer.try_samples()?;
        }
        Ok(renderer)
    }

    /// The page as HTML. An error is ours (a template asks for what the view does not have), never the visitor's.
    pub fn render<P: Page>(&self, site: &Site, page: &P) -> Result<String, TemplateError> {
        self.render_value(P::TEMPLATE, site, Value::from(Serde(page)))
    }

    /// Renders a template from any value: for samples and tests.
    pub fn render_value(&self, template: &str, site: &Site, page: Value) -> Result<String, TemplateError> {
        self.env
            .get_template(template)
            .and_then(|found| found.render(context! { site => Value::from(Serde(site)), page }))
            .map_err(|error| TemplateError::broken(template, &error))
    }

    fn read_overrides(&mut self, directory: &Path) -> Result<(), TemplateError> {
        let unread = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| TemplateError::Unread { path, source }
        };
        for entry in fs::read_dir(directory).map_err(unread(directory))? {
            let path = entry.map_err(unread(directory))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.extension().is_none_or(|extension| extension != "html") {
                continue;
            }
            // A partial of the operator's own starts with an underscore; any other stranger is a misspelling.
            if !name.starts_with('_') && !TEMPLATES.iter().any(|(known, _)| *known == name) {
                return Err(TemplateError::Unknown { path });
            }
            let source = fs::read_to_string(&path).map_err(unread(&path))?;
            self.env
                .add_template_owned(name.clone(), source)
                .map_err(|error| TemplateError::broken(&name, &error))?;
        }
        Ok(())
    }

    fn try_samples(&self) -> Result<(), TemplateError> {
        samples::all()
            .into_iter()
            .try_for_each(|sample| self.render_value(sample.template, &sample.site, sample.page).map(drop))
    }
}

/// Writes a value escaped, and without the characters that nobody sees but that turn text around: a name written
/// backwards under U+202E would read as another's. What must stay byte for byte goes through `exact`.
fn write_visible(out: &mut Output, state: &mut State, value: &Value) -> Result<(), minijinja::Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() && text.contains(is_deceptive) => {
            escape_formatter(out, state, &Value::from(text.replace(is_deceptive, "")))
        }
        _ => escape_formatter(out, state, value),
    }
}

/// The filter for values that go back to a server as they came.
fn exact(text: &str) -> Value {
    Value::from_safe_string(HtmlEscape(text).to_string())
}

/// Control characters but line breaks and tabs; bidirectional marks, overrides and isolates (UAX 9); invisible spaces.
/// The joiners U+200C and U+200D stay: Persian, Hindi and emoji need them.
fn is_deceptive(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn assets() -> Value {
    // Our own paths need no escaping, and read better without.
    let path = |asset: &Asset| Value::from_safe_string(asset.path.clone());
    let console = context! {
        style => path(&ASSETS.console.style),
        take => path(&ASSETS.console.take),
        main => path(&ASSETS.console.main),
    };
    context! {
        style => path(&ASSETS.style),
        icon => path(&ASSETS.icon),
        submit => path(&ASSETS.submit),
        console,
    }
}

/// A template that cannot be used.
#[derive(Debug)]
pub enum TemplateError {
    Unread {
        path: PathBuf,
        source: io::Error,
    },
    /// No page has this name.
    Unknown {
        path: PathBuf,
    },
    /// `reason` names the line, and no value.
    Broken {
        template: String,
        reason: String,
    },
}

impl TemplateError {
    fn broken(template: &str, error: &minijinja::Error) -> Self {
        Self::Broken { template: template.to_owned(), reason: error.to_string() }
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread { path, source } => write!(f, "cannot read {}: {source}", path.display()),
            Self::Unknown { path } => {
                write!(
                    f,
                    "{} is no page's template; a partial's name starts with an underscore",
                    path.display()
                )
            }
            Self::Broken { template, reason } => write!(f, "template {template}: {reason}"),
        }
    }
}

impl std::error::Error for TemplateError {}
