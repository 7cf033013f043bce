//! Embeds the built page, and checks what the page is allowed to ask.

use std::path::Path;
use std::{fs, io};

const PAGE: &str = "ui/dist/index.html";

/// Stands in for the page until it was built, so that working on Rust alone needs no Node.
const PLACEHOLDER: &str = r#"<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="color-scheme" content="dark light" />
    <title>Switchyard</title>
  </head>
  <body>
    <main data-testid="placeholder" style="font: 16px system-ui; max-width: 36em; margin: 20vh auto">
      <h1>The page was not built</h1>
      <p>This binary was compiled without its page. Run <code>make build</code> and start it again.</p>
    </main>
  </body>
</html>
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    write_placeholder()?;
    let manifest = tauri_build::AppManifest::new().permissions_path_pattern("./src-tauri/permissions/*.toml");
    println!("cargo:rerun-if-changed=src-tauri/permissions");
    // The page is embedded here and not by a macro: only a build script is run again when the page alone has changed.
    let attributes = tauri_build::Attributes::new()
        .codegen(tauri_build::CodegenContext::new())
        .capabilities_path_pattern("./src-tauri/capabilities/*.json")
        .app_manifest(manifest);
    tauri_build::try_build(attributes)?;
    Ok(())
}

fn write_placeholder() -> io::Result<()> {
    let page = Path::new(PAGE);
    if page.exists() {
        return Ok(());
    }
    if let Some(folder) = page.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(page, PLACEHOLDER)
}
