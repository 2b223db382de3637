//! Writes every sample page and the assets to a directory, to be looked at in a browser: `pages DIR`.

use std::path::PathBuf;
use std::{env, error, fs};
use valetkey_web::pages::assets::ASSETS;
use valetkey_web::pages::render::Renderer;
use valetkey_web::pages::samples;

fn main() -> Result<(), Box<dyn error::Error>> {
    let directory = PathBuf::from(env::args_os().nth(1).ok_or("usage: pages DIR")?);
    fs::create_dir_all(directory.join("assets"))?;
    for asset in ASSETS.all() {
        fs::write(directory.join(asset.path.trim_start_matches('/')), asset.bytes)?;
    }
    let renderer = Renderer::new(None)?;
    for sample in samples::all() {
        let html = renderer.render_value(sample.template, &sample.site, sample.page)?;
        fs::write(directory.join(&sample.name).with_extension("html"), html)?;
        fs::write(directory.join(&sample.name).with_extension("csp"), sample.policy.header())?;
    }
    Ok(())
}
