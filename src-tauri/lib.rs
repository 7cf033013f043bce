//! The desktop shell: the window, its menu, notifications, and one bridge to the API.
//!
//! Owns what only a desktop has. Holds no rule of its own: what the page asks is handed to the API as it came, and what
//! the API says is handed to the page as it is.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod arguments;
mod bridge;
mod closing;
mod engine;
mod events;
mod guide;
mod logging;
mod menu;
mod notices;
mod window;

use std::process::ExitCode;

use arguments::Arguments;
use clap::Parser as _;
use engine::Engine;
use tauri::RunEvent;

/// Opens the window and stays until it is closed.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(help_or_mistake) => return say(&help_or_mistake),
    };
    logging::start();
    match build(arguments) {
        Ok(app) => {
            app.run(|app, event| match event {
                // The last window is gone before the API has given its leases back; that is done at Exit.
                RunEvent::Exit => closing::shut_down(app),
                _ => {}
            });
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("The window cannot be opened: {e}. Is there a display? The command line works without one.");
            ExitCode::FAILURE
        }
    }
}

/// Runs this process as the watchdog of a hold; see [`switchyard_api::guard`].
pub fn watch_hold() -> ExitCode {
    logging::start();
    match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime.block_on(switchyard_api::guard::run()),
        Err(e) => {
            eprintln!("The watchdog cannot start: {e}.");
            ExitCode::FAILURE
        }
    }
}

fn build(arguments: Arguments) -> tauri::Result<tauri::App> {
    let store = arguments.store();
    tauri::Builder::default()
        // First of all plugins: a second start must end before it touches anything.
        .plugin(window::single_instance(store.as_deref()))
        .plugin(window::remembered())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_dialog::init())
        .manage(Engine::new(store))
        .manage(closing::Question::default())
        .invoke_handler(tauri::generate_handler![bridge::call])
        .menu(menu::build)
        .on_menu_event(|app, event| menu::chosen(app, event.id().as_ref()))
        .on_window_event(closing::window_event)
        .setup(move |app| {
            // The store opens while the page loads; a page that asks earlier waits for it.
            events::start(app.handle());
            closing::on_signal(app.handle());
            window::open(app.handle(), arguments.open.as_deref())?;
            Ok(())
        })
        .build(tauri::tauri_build_context!())
}

fn say(e: &clap::Error) -> ExitCode {
    // Nowhere to say it to is no reason to fail differently.
    let _ = e.print();
    ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2))
}
