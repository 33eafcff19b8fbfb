//! What a `Debug` print may show: no secret, no PIN, no key, no address, no name.
//!
//! 1. every source file of what we hand out is parsed; tests are left out;
//! 2. each field of each type that derives `Debug` is looked at, through `Option`, `Vec`, `Arc`, …;
//! 3. it must not show an address, a row of octets, or text, digits and numbers under a telling
//!    name; a type of ours inside it is looked at where it is defined;
//! 4. a `Debug` that is written by hand stands in [`BY_HAND`], with what it shows;
//! 5. exceptions stand in [`MAY_PRINT`] with a reason each, and go when nothing needs them.
//!
//! Not seen: what Slint generates, `Display`, text under a name that tells nothing, and what types
//! of other crates print, but for some that print an address. Log lines are read by the end-to-end
//! test `e2e_secrets`.

mod allowed;

use crate::graph::workspace_folder;
use crate::layers::{Kind, Place};
use crate::sources::rust_files;
pub use allowed::{BY_HAND, MAY_PRINT};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use syn::visit::{self, Visit};
use syn::{Attribute, Fields, GenericArgument, Ident, PathArguments, Type, TypePath};

/// A place in the sources, and why it is as it is: the file, `Type.field` or the type, the reason.
pub type Listed = (&'static str, &'static str, &'static str);

/// Types that print an address.
const ADDRESSES: &[&str] = &[
    "IpAddr",
    "Ipv4Addr",
    "Ipv6Addr",
    "SocketAddr",
    "SocketAddrV4",
    "SocketAddrV6",
    "SockAddr",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "RecvMeta", // quinn-udp's: where a datagram came from
    "Transmit", // quinn-udp's: where it goes
    "ServerName",
];

/// Types that do not print what they hold: ours that are made for it, and ends of channels (tokio's
/// `watch` does print it).
const SILENT: &[&str] =
    &["Secret", "Redacted", "Sender", "Receiver", "UnboundedSender", "UnboundedReceiver"];

const TEXT: &[&str] = &["String", "str", "OsString", "OsStr", "CString", "CStr"];
const OCTETS: &[&str] = &["Bytes", "BytesMut"];
const NUMBERS: &[&str] = &["u8", "u16", "u32", "u64", "u128", "i32", "i64", "usize", "char"];

/// Words in a field's, variant's or type's name under which no text may stand.
const TELLING: &[&str] = &[
    "address", "code", "digit", "guest", "host", "key", "label", "name", "nonce", "password",
    "peer", "pin", "pem", "salt", "secret", "seed", "title", "token", "typed", "url", "user",
];

/// Words under which no number may stand either.
const TELLING_OF_NUMBERS: &[&str] = &["digit", "password", "pin", "salt", "secret", "seed"];

/// Types that the walk has to see, one of each kind: else it proves nothing.
const KNOWN: &[(&str, &str)] = &[
    ("core/call/src/lib.rs", "Output"),
    ("core/messages/src/lib.rs", "Joined"),
    ("cloud-link/cloud/src/event.rs", "LinkStatus"),
    ("cloud/server/src/switchboard/mod.rs", "Party"),
    ("appliance/room/src/media.rs", "MediaCommand"),
    ("ui-kiosk/src/driver/elements.rs", "Element"),
];

/// What was seen.
#[derive(Debug, Default)]
pub struct Prints {
    /// The types that derive `Debug`, each behind its file: `core/call/src/lib.rs Output`.
    pub derived: BTreeSet<String>,
    /// The types whose `Debug` is written by hand, and macros that write one, in the same way.
    pub by_hand: BTreeSet<String>,
    /// The fields that show something: `core/call/src/lib.rs Output::StartMedia.node`, and what.
    pub telling: Vec<(String, &'static str)>,
}

/// Reads every source of the house that is handed out.
pub fn of_workspace(house: &[Place]) -> Result<Prints> {
    let mut prints = Prints::default();
    for place in house.iter().filter(|p| p.kind != Kind::Test && p.folder != "xtask") {
        let mut files = Vec::new();
        rust_files(&workspace_folder().join(place.folder).join("src"), &mut files)?;
        for file in files {
            let shown =
                file.strip_prefix(workspace_folder()).unwrap_or(&file).display().to_string();
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("{shown} could not be read"))?;
            prints.add(&shown, &text).with_context(|| format!("{shown} is no Rust"))?;
        }
    }
    for (file, known) in KNOWN {
        ensure!(
            prints.derived.contains(&format!("{file} {known}")),
            "{known} in {file} was not seen to derive Debug: does the walk see anything? If the \
             type is gone, name another one in KNOWN"
        );
    }
    Ok(prints)
}

impl Prints {
    /// Adds what stands in a source file.
    pub fn add(&mut self, file: &str, source: &str) -> Result<()> {
        Walk { file, prints: self }.visit_file(&syn::parse_file(source)?);
        Ok(())
    }

    /// One sentence for each field that shows what it must not, for each hand-written print that is
    /// not listed, and for each entry of the lists that nothing needs any more.
    pub fn check(&self, may_print: &[Listed], by_hand: &[Listed]) -> Vec<String> {
        let key = |(file, what, _): &Listed| format!("{file} {what}");
        let allowed: BTreeSet<String> = may_print.iter().map(key).collect();
        let read: BTreeSet<String> = by_hand.iter().map(key).collect();
        let mut wrong = Vec::new();
        for (field, what) in self.telling.iter().filter(|(field, _)| !allowed.contains(field)) {
            wrong.push(format!(
                "{field} shows {what} when it is printed: wrap it in Secret or Redacted, write its \
                 Debug by hand, or give the reason in MAY_PRINT"
            ));
        }
        for printed in self.by_hand.difference(&read) {
            wrong.push(format!("{printed} writes its Debug by hand: say in BY_HAND what it shows"));
        }
        let telling: BTreeSet<String> = self.telling.iter().map(|(f, _)| f.clone()).collect();
        for gone in allowed.difference(&telling) {
            wrong.push(format!("MAY_PRINT has {gone}, which shows nothing any more: take it out"));
        }
        for gone in read.difference(&self.by_hand) {
            wrong.push(format!("BY_HAND has {gone}, which is not there any more: take it out"));
        }
        wrong
    }
}

struct Walk<'a> {
    file: &'a str,
    prints: &'a mut Prints,
}

impl Walk<'_> {
    fn derives(&mut self, attributes: &[Attribute], name: &Ident) -> bool {
        let derives = derives_debug(attributes);
        if derives {
            self.prints.derived.insert(format!("{} {name}", self.file));
        }
        derives
    }

    /// `at` is the type or `Type::Variant`; its last name counts for fields that have none.
    fn fields(&mut self, at: &str, last: &Ident, fields: &Fields) {
        for (index, field) in fields.iter().enumerate() {
            let name = match &field.ident {
                Some(name) => name.to_string(),
                None => index.to_string(),
            };
            let words = words(&field.ident.as_ref().unwrap_or(last).to_string());
            let mut shown = Shown::default();
            shown.look(&field.ty);
            if let Some(what) = shown.telling(&words) {
                self.prints.telling.push((format!("{} {at}.{name}", self.file), what));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Struct(item) => &item.attrs,
            syn::Item::Enum(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if self.derives(&item.attrs, &item.ident) {
            self.fields(&item.ident.to_string(), &item.ident, &item.fields);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        if self.derives(&item.attrs, &item.ident) {
            for variant in &item.variants {
                let at = format!("{}::{}", item.ident, variant.ident);
                self.fields(&at, &variant.ident, &variant.fields);
            }
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let of_debug = item.trait_.as_ref().is_some_and(|(of, _)| last(of) == "Debug");
        if let (true, Type::Path(printed)) = (of_debug, &*item.self_ty) {
            self.prints.by_hand.insert(format!("{} {}", self.file, last(&printed.path)));
        }
        visit::visit_item_impl(self, item);
    }

    /// A macro's types are not parsed: whether it writes a `Debug` is asked of its words.
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        let tokens = item.mac.tokens.to_string();
        let mut words = tokens.split(|letter: char| !letter.is_alphanumeric());
        if words.any(|word| word == "Debug") {
            let name = item.ident.as_ref().map_or_else(|| last(&item.mac.path), Ident::to_string);
            self.prints.by_hand.insert(format!("{} {name}!", self.file));
        }
    }
}

/// What a field's type shows when it is printed.
#[derive(Default)]
struct Shown {
    address: bool,
    octets: bool,
    text: bool,
    number: bool,
}

impl Shown {
    fn look(&mut self, shown: &Type) {
        match shown {
            // What is in the program's text is no secret.
            Type::Reference(to) if to.lifetime.as_ref().is_some_and(|l| l.ident == "static") => {}
            Type::Reference(to) => self.look(&to.elem),
            Type::Group(group) => self.look(&group.elem),
            Type::Paren(paren) => self.look(&paren.elem),
            Type::Tuple(tuple) => tuple.elems.iter().for_each(|part| self.look(part)),
            Type::Array(row) => self.row_of(&row.elem),
            Type::Slice(row) => self.row_of(&row.elem),
            Type::Path(named) => self.look_at_named(named),
            _ => {}
        }
    }

    fn row_of(&mut self, element: &Type) {
        match element {
            Type::Path(named) if named.path.is_ident("u8") => self.octets = true,
            _ => self.look(element),
        }
    }

    fn look_at_named(&mut self, named: &TypePath) {
        let name = last(&named.path);
        let watch = named.path.segments.iter().any(|segment| segment.ident == "watch");
        if SILENT.contains(&name.as_str()) && !watch {
            return;
        }
        self.address |= ADDRESSES.contains(&name.as_str());
        self.octets |= OCTETS.contains(&name.as_str());
        self.text |= TEXT.contains(&name.as_str());
        self.number |= NUMBERS.contains(&name.as_str());
        let row = matches!(name.as_str(), "Vec" | "VecDeque");
        let Some(PathArguments::AngleBracketed(of)) =
            named.path.segments.last().map(|s| &s.arguments)
        else {
            return;
        };
        for argument in &of.args {
            match argument {
                GenericArgument::Type(of) if row => self.row_of(of),
                GenericArgument::Type(of) => self.look(of),
                _ => {}
            }
        }
    }

    fn telling(&self, words: &[String]) -> Option<&'static str> {
        let among = |list: &[&str]| {
            words.iter().any(|word| {
                list.iter().any(|telling| {
                    word.strip_prefix(telling).is_some_and(|rest| ["", "s", "es"].contains(&rest))
                })
            })
        };
        if self.address {
            Some("an address")
        } else if self.octets {
            Some("octets")
        } else if self.text && among(TELLING) {
            Some("text")
        } else if self.number && among(TELLING_OF_NUMBERS) {
            Some("a number")
        } else {
            None
        }
    }
}

fn derives_debug(attributes: &[Attribute]) -> bool {
    let mut found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        // A derive that cannot be read does not compile either.
        let _ = attribute.parse_nested_meta(|derived| {
            found |= last(&derived.path) == "Debug";
            Ok(())
        });
    }
    found
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<Ident>().is_ok_and(|condition| condition == "test")
    })
}

fn last(path: &syn::Path) -> String {
    path.segments.last().map_or_else(String::new, |segment| segment.ident.to_string())
}

/// `host_names` and `HostNames` are `host`, `names`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter != '_', words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prints(source: &str) -> Prints {
        let mut prints = Prints::default();
        prints.add("a.rs", source).unwrap();
        prints
    }

    #[test]
    fn what_must_not_be_printed_is_found() {
        for (source, found, what) in [
            ("#[derive(Debug)] struct A { b: SocketAddr }", "A.b", "an address"),
            (
                "#[derive(Clone, Debug)] struct A { b: Option<std::net::IpAddr> }",
                "A.b",
                "an address",
            ),
            ("#[derive(Debug)] struct A { b: HashMap<IpAddr, u8> }", "A.b", "an address"),
            ("#[derive(Debug)] struct A(u8, Arc<[(u8, SocketAddr)]>);", "A.1", "an address"),
            ("#[derive(Debug)] struct A { socket: Arc<UdpSocket> }", "A.socket", "an address"),
            ("#[derive(Debug)] struct A { b: watch::Receiver<IpAddr> }", "A.b", "an address"),
            ("#[derive(Debug)] enum A { B { c: &'a SocketAddrV6 } }", "A::B.c", "an address"),
            ("#[derive(Debug)] enum A<'a> { Received(&'a [u8]) }", "A::Received.0", "octets"),
            ("#[derive(Debug)] struct A { b: Vec<u8> }", "A.b", "octets"),
            ("#[derive(Debug)] struct A { b: HashSet<[u8; 32]> }", "A.b", "octets"),
            ("#[derive(Debug)] struct A { b: Box<[u8]> }", "A.b", "octets"),
            ("#[derive(Debug)] struct A { b: Bytes }", "A.b", "octets"),
            ("#[derive(Debug)] struct A { host_name: String }", "A.host_name", "text"),
            ("#[derive(Debug)] struct A { keys: Vec<Box<str>> }", "A.keys", "text"),
            ("#[derive(Debug)] struct A { addresses: Option<&'a str> }", "A.addresses", "text"),
            ("#[derive(Debug)] struct DoorCode(String);", "DoorCode.0", "text"),
            ("#[derive(Debug)] enum A { Title(String) }", "A::Title.0", "text"),
            ("#[derive(Debug)] enum A { Tap { digit: u8 } }", "A::Tap.digit", "a number"),
            ("#[derive(Debug)] struct Pin(u32);", "Pin.0", "a number"),
            ("#[derive(core::fmt::Debug)] struct A { b: IpAddr }", "A.b", "an address"),
            ("fn f() { #[derive(Debug)] struct A { b: IpAddr } }", "A.b", "an address"),
            ("mod a { #[derive(Debug)] struct A { b: IpAddr } }", "A.b", "an address"),
        ] {
            let prints = prints(source);
            assert_eq!(prints.telling, [(format!("a.rs {found}"), what)], "{source}");
            let wrong = prints.check(&[], &[]);
            assert!(wrong.len() == 1 && wrong[0].contains("wrap it"), "{wrong:?}");
        }
    }

    #[test]
    fn what_shows_nothing_passes() {
        for source in [
            "struct A { b: SocketAddr }",
            "#[derive(Clone)] struct A { b: SocketAddr, pin: String }",
            "#[derive(Debug)] struct A { b: Redacted<SocketAddr>, key: Secret<Vec<u8>> }",
            "#[derive(Debug)] struct A { b: Option<Redacted<IpAddr>>, host: Redacted<String> }",
            "#[derive(Debug)] struct A { b: mpsc::Sender<(u8, Vec<u8>)> }",
            "#[derive(Debug)] struct A { name: &'static str, key: u64, detail: String }",
            "#[derive(Debug)] struct A { name: DisplayName, pin: Pin, pinned: String }",
            "#[derive(Debug)] struct A { volume: u8, clock: (u8, u8) }",
            "#[cfg(test)] mod tests { #[derive(Debug)] struct A { b: IpAddr } }",
            "#[cfg(test)] #[derive(Debug)] struct A { b: IpAddr }",
            "// #[derive(Debug)] struct A { b: IpAddr }",
            "impl fmt::Display for A {}",
        ] {
            let prints = prints(source);
            assert_eq!(prints.check(&[], &[]), Vec::<String>::new(), "{source}");
        }
    }

    #[test]
    fn a_print_by_hand_and_a_macro_that_writes_one_have_to_be_listed() {
        for (source, name) in [
            ("impl fmt::Debug for Key { fn fmt() {} }", "Key"),
            ("impl<T: Display> std::fmt::Debug for a::Key<T> {}", "Key"),
            ("macro_rules! keys { () => { #[derive(Debug)] struct A(IpAddr); } }", "keys!"),
        ] {
            let prints = prints(source);
            let wrong = prints.check(&[], &[]);
            assert!(wrong.len() == 1 && wrong[0].contains("by hand"), "{source}: {wrong:?}");
            assert_eq!(prints.check(&[], &[("a.rs", name, "nothing")]), Vec::<String>::new());
        }
    }

    #[test]
    fn an_exception_that_nothing_needs_is_found() {
        let needed = prints("#[derive(Debug)] struct A { bind: IpAddr }");
        let listed: &[Listed] = &[("a.rs", "A.bind", "a setting")];
        assert_eq!(needed.check(listed, &[]), Vec::<String>::new());
        let wrong = prints("struct A { bind: IpAddr }").check(listed, listed);
        assert!(wrong.len() == 2 && wrong.iter().all(|s| s.contains("take it out")), "{wrong:?}");
    }
}
