//! A list of devices that are to be rooms, as somebody uploads it. Its modules alone are built in here: the rest of
//! conclave-cloud has SQLite and an asynchronous runtime.

#[path = "../../cloud/server/src/device_list.rs"]
#[expect(unreachable_pub, reason = "it is public where it belongs")]
mod list;
#[path = "../../cloud/directory/src/tags.rs"]
#[expect(dead_code, reason = "tags are written by the cloud only")]
#[expect(unreachable_pub, reason = "it is public where it belongs")]
pub(crate) mod tags;

// The words of the command line have it too.
pub(crate) use list::Wrong;
use list::{MOST_LINES, Named, NoList};
use tags::Tag;

/// The input is the file.
pub fn read(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let lines = match list::read(&text) {
        Ok(lines) => lines,
        Err(NoList::Columns(word)) => {
            assert!(word.chars().count() <= 80 && !word.chars().any(char::is_control));
            return;
        }
        Err(_) => return,
    };
    assert!((1..=MOST_LINES).contains(&lines.len()));
    let mut names = Vec::new();
    let ends = 1 + text.bytes().filter(|octet| matches!(octet, b'\n' | b'\r')).count() as u64;
    for line in lines {
        assert!((1..=ends).contains(&line.number), "line {} of {ends}", line.number);
        for shown in [&line.name.0, &line.device.0] {
            assert!(shown.chars().count() <= 80 && !shown.chars().any(char::is_control));
        }
        let listed = match line.read {
            Ok(listed) => listed,
            Err(wrong) => {
                assert!(!wrong.is_empty(), "what is wrong is said");
                continue;
            }
        };
        assert!(!names.contains(&listed.name), "no name is there twice");
        names.push(listed.name);
        match listed.device {
            Named::Key(key) => assert!(key.len() == 64 && key == key.to_lowercase()),
            Named::Serial(serial) => assert!(!serial.is_empty() && serial.chars().count() <= 80),
        }
        assert_eq!(Tag::all_of(listed.tags.clone()), Ok(listed.tags));
    }
}
