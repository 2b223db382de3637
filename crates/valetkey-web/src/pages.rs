//! The pages that people meet: view models, templates, stylesheet.

pub mod assets;
pub mod render;
pub mod samples;
pub mod view;
