//! The menu. What belongs to the page is sent to it by id, as the event `menu`; the rest is done here.

use tauri::menu::{Menu, MenuItemBuilder, SubmenuBuilder};
use tauri::{AppHandle, Emitter as _};

use crate::{closing, guide, window};

/// The page listens to this name; the payload is an id of this table.
const CHANNEL: &str = "menu";
const QUIT: &str = "quit";
const GUIDE: &str = "guide";

/// One entry: id, label, keys. An empty id is a line between entries.
type Entry = (&'static str, &'static str, Option<&'static str>);
const LINE: Entry = ("", "", None);

/// The menus in order. Roll back has no keys here: the page wants them *held*, and a menu would swallow the press.
const MENUS: &[(&str, &[Entry])] = &[
    (
        "&File",
        &[
            ("page:new", "&New migration…", Some("Ctrl+N")),
            ("page:migrations", "&Migrations", Some("Ctrl+M")),
            ("page:endpoints", "&Endpoints", Some("Ctrl+E")),
            LINE,
            (QUIT, "&Quit", Some("Ctrl+Q")),
        ],
    ),
    (
        "&View",
        &[
            ("page:overview", "&Overview", Some("Ctrl+1")),
            ("page:schema", "&Schema", Some("Ctrl+2")),
            ("page:replication", "&Replication", Some("Ctrl+3")),
            ("page:consistency", "&Consistency", Some("Ctrl+4")),
            ("page:queries", "&Queries", Some("Ctrl+5")),
            ("page:traffic", "&Traffic", Some("Ctrl+6")),
            ("page:drills", "&Drills", Some("Ctrl+7")),
            LINE,
            ("page:timeline", "T&imeline", None),
            ("page:pools", "&Pools", None),
            ("page:report", "R&eport", None),
            ("page:journal", "&Journal", Some("Ctrl+J")),
        ],
    ),
    (
        "&Migration",
        &[
            ("preview-next", "&Preview the next command…", Some("Ctrl+P")),
            LINE,
            ("rollback", "&Roll back…   (hold Ctrl+Shift+R)", None),
        ],
    ),
    ("&Help", &[("shortcuts", "&Keyboard shortcuts", Some("F1")), (GUIDE, "&Guide", None)]),
];

/// Builds the menu.
///
/// # Errors
/// When the desktop refuses an entry.
pub fn build(app: &AppHandle) -> tauri::Result<Menu<tauri::Wry>> {
    let menu = Menu::new(app)?;
    for (title, entries) in MENUS {
        let mut submenu = SubmenuBuilder::new(app, *title);
        for (id, label, keys) in *entries {
            if id.is_empty() {
                submenu = submenu.separator();
                continue;
            }
            let mut item = MenuItemBuilder::with_id(*id, *label);
            if let Some(keys) = keys {
                item = item.accelerator(*keys);
            }
            submenu = submenu.item(&item.build(app)?);
        }
        menu.append(&submenu.build()?)?;
    }
    Ok(menu)
}

/// Does what was chosen, or sends it to the page.
pub fn chosen(app: &AppHandle, id: &str) {
    match id {
        QUIT => closing::ask(app),
        GUIDE => guide::open(app),
        page => {
            if let Err(e) = app.emit_to(window::LABEL, CHANNEL, page) {
                tracing::debug!("the menu did not reach the page: {e}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Vec<&'static str> {
        MENUS.iter().flat_map(|(_, entries)| entries.iter().map(|e| e.0)).filter(|id| !id.is_empty()).collect()
    }

    #[test]
    fn every_page_of_the_window_is_in_the_menu_and_no_other() {
        let source = include_str!("../ui/src/lib/shell/pages.ts");
        let union = source.split("export type PageId =").nth(1).unwrap().split(';').next().unwrap();
        let mut pages: Vec<String> = union
            .split('|')
            .map(|p| p.trim().trim_matches('"'))
            .filter(|p| !p.is_empty())
            .map(|p| format!("page:{p}"))
            .collect();
        let mut in_menu: Vec<&str> = ids().into_iter().filter(|id| id.starts_with("page:")).collect();
        pages.sort_unstable();
        in_menu.sort_unstable();
        assert_eq!(in_menu, pages, "pages.ts and the menu name the same pages");
    }

    #[test]
    fn no_two_entries_share_keys_or_id() {
        let mut keys: Vec<_> = MENUS.iter().flat_map(|(_, entries)| entries.iter().filter_map(|e| e.2)).collect();
        let mut ids = ids();
        let (all_keys, all_ids) = (keys.len(), ids.len());
        keys.sort_unstable();
        keys.dedup();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((keys.len(), ids.len()), (all_keys, all_ids), "the second of two would never be reached");
    }
}
