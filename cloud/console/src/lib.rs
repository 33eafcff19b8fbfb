//! The console's pages, as `cargo xtask console` builds them from `web/`, inside the program.
//!
//! A program that was built without them says so on every page; its API is whole.

#![forbid(unsafe_code)]

mod files {
    include!(concat!(env!("OUT_DIR"), "/files.rs"));
}

/// A file of the console's pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What is in it.
    pub octets: &'static [u8],
    /// What it is (RFC 9110, section 8.3).
    pub media_type: &'static str,
    /// Its name changes with what is in it: a browser may keep it for ever.
    pub for_ever: bool,
}

/// What a browser is shown at an address of ours: the file that is there, else the page, which looks at the address
/// itself. `path` begins with `/`.
pub fn page(path: &str) -> Page {
    let name = path.trim_start_matches('/');
    match file(name) {
        Some(octets) => {
            Page { octets, media_type: media_type(name), for_ever: name.starts_with("assets/") }
        }
        None => Page { octets: start(), media_type: media_type("index.html"), for_ever: false },
    }
}

/// Whether the pages are in this program.
pub fn is_built() -> bool {
    file("index.html").is_some()
}

fn file(name: &str) -> Option<&'static [u8]> {
    files::FILES.iter().find(|(known, _)| *known == name).map(|(_, octets)| *octets)
}

fn start() -> &'static [u8] {
    const MISSING: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Conclave</title>\
        <p>This cloud was built without its pages. Build them with <code>cargo xtask console</code>, then build the \
        cloud again.</p>";
    file("index.html").unwrap_or(MISSING.as_bytes())
}

/// By the end of the name: those that the pages are made of.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_without_a_file_of_its_own_is_the_page() {
        let start = page("/");
        assert_eq!(start.media_type, "text/html; charset=utf-8");
        assert!(!start.for_ever);
        for path in
            ["", "/rooms", "/rooms/room-1?q=2", "/../../etc/passwd", "/assets/", "//", "/%00"]
        {
            assert_eq!(page(path), start, "{path}");
        }
    }

    #[test]
    fn what_the_page_names_is_there_and_may_be_kept() {
        if !is_built() {
            return;
        }
        let start = std::str::from_utf8(page("/").octets).unwrap();
        let names: Vec<&str> =
            start.split('"').filter(|text| text.starts_with("/assets/")).collect();
        assert!(names.len() >= 2, "{start}");
        for name in names {
            let file = page(name);
            assert!(file.for_ever && !file.media_type.starts_with("text/html"), "{name}");
        }
        assert_eq!(page("/icon.svg").media_type, "image/svg+xml");
    }
}
