//! The document: SPDX 2.3 in JSON (<https://spdx.github.io/spdx-spec/v2.3/>), as far as we fill it.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One thing that somebody can name, and look for flaws of.
#[derive(Default)]
pub(crate) struct Package {
    /// Of which sort it is: part of its id, which has to differ from all others'.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) version: String,
    /// One of the words of the standard's 7.24.
    pub(crate) purpose: &'static str,
    /// An expression of the standard's annex D, as whoever made it says.
    pub(crate) licence: Option<String>,
    /// Its address as scanners know it (package URL).
    pub(crate) purl: Option<String>,
    /// Of the file that `file` or `download` names.
    pub(crate) sha256: Option<String>,
    pub(crate) supplier: Option<String>,
    pub(crate) download: Option<String>,
    pub(crate) file: Option<String>,
    /// Where it comes from, in words.
    pub(crate) source: Option<String>,
    pub(crate) comment: Option<String>,
}

impl Package {
    fn id(&self) -> String {
        let Package { kind, name, version, .. } = self;
        let mut id = format!("SPDXRef-{kind}-");
        for letter in format!("{name}-{version}").chars() {
            // An id has letters, digits, full stops and hyphens; two names never share one.
            match letter {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => id.push(letter),
                other => id.push_str(&format!("-x{:X}-", u32::from(other))),
            }
        }
        id
    }

    fn json(self) -> Value {
        let Package { kind: _, name, version, purpose, .. } = &self;
        let mut package = json!({
            "SPDXID": self.id(),
            "name": name,
            "versionInfo": version,
            "primaryPackagePurpose": purpose,
            "filesAnalyzed": false,
            "downloadLocation": self.download.as_deref().unwrap_or("NOASSERTION"),
            "licenseDeclared": self.licence.as_deref().unwrap_or("NOASSERTION"),
            "licenseConcluded": "NOASSERTION",
            "copyrightText": "NOASSERTION",
            "supplier": self.supplier.as_deref().unwrap_or("NOASSERTION"),
        });
        let more = [
            ("packageFileName", self.file.map(Value::from)),
            ("sourceInfo", self.source.map(Value::from)),
            ("comment", self.comment.map(Value::from)),
            (
                "checksums",
                self.sha256.map(|sum| json!([{ "algorithm": "SHA256", "checksumValue": sum }])),
            ),
            (
                "externalRefs",
                self.purl.map(|purl| {
                    json!([{
                        "referenceCategory": "PACKAGE-MANAGER",
                        "referenceType": "purl",
                        "referenceLocator": purl,
                    }])
                }),
            ),
        ];
        for (field, value) in more {
            if let Some(value) = value {
                package[field] = value;
            }
        }
        package
    }
}

/// A document that is being filled.
pub(crate) struct Document {
    head: Map<String, Value>,
    /// By their ids: what two programs link is listed once.
    packages: BTreeMap<String, Value>,
    relationships: BTreeSet<[String; 3]>,
    /// Licences that SPDX has no name for.
    own_licences: BTreeSet<String>,
}

/// The document's own id.
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

impl Document {
    /// An empty document. `key` tells it from every other; `created` is a time as ISO 8601 has it.
    pub(crate) fn new(name: &str, key: &str, created: &str) -> Document {
        let head = json!({
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": DOCUMENT,
            "name": name,
            "documentNamespace": format!("https://spdx.org/spdxdocs/{name}-{key}"),
            "creationInfo": {
                "created": created,
                "creators": [concat!("Tool: conclave-xtask-", env!("CARGO_PKG_VERSION"))],
            },
        });
        let Value::Object(head) = head else { unreachable!("it is written as an object") };
        Document {
            head,
            packages: BTreeMap::new(),
            relationships: BTreeSet::new(),
            own_licences: BTreeSet::new(),
        }
    }

    /// Lists a package; returns its id.
    pub(crate) fn add(&mut self, package: Package) -> String {
        let id = package.id();
        let words = package.licence.iter().flat_map(|licence| licence.split([' ', '(', ')']));
        self.own_licences
            .extend(words.filter(|word| word.starts_with("LicenseRef-")).map(str::to_owned));
        self.packages.insert(id.clone(), package.json());
        id
    }

    /// Says what the whole document is about.
    pub(crate) fn describes(&mut self, id: &str) {
        self.relate(DOCUMENT, "DESCRIBES", id);
    }

    /// Relates two packages by one of the words of the standard's 11.1.
    pub(crate) fn relate(&mut self, from: &str, how: &str, to: &str) {
        self.relationships.insert([from, how, to].map(str::to_owned));
    }

    /// The document as it is written.
    pub(crate) fn text(mut self) -> String {
        let relationships = self.relationships.into_iter().map(|[from, how, to]| {
            json!({ "spdxElementId": from, "relationshipType": how, "relatedSpdxElement": to })
        });
        let own_licences = self.own_licences.into_iter().map(|id| {
            json!({
                "licenseId": id,
                "name": id["LicenseRef-".len()..],
                "extractedText": "Its text comes with each package that declares it.",
            })
        });
        self.head.insert("relationships".to_owned(), relationships.collect());
        self.head.insert("hasExtractedLicensingInfos".to_owned(), own_licences.collect());
        self.head.insert("packages".to_owned(), self.packages.into_values().collect());
        format!("{:#}\n", Value::Object(self.head))
    }
}

/// A word as a package URL takes it: what has a meaning there is escaped.
pub(crate) fn quoted(word: &str) -> String {
    let mut quoted = String::new();
    for octet in word.bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => {
                quoted.push(char::from(octet));
            }
            other => quoted.push_str(&format!("%{other:02X}")),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str) -> Package {
        Package {
            kind: "crate",
            name: name.to_owned(),
            version: "1".to_owned(),
            ..Package::default()
        }
    }

    #[test]
    fn whatever_is_related_is_listed_once() {
        let mut document = Document::new("image", "key", "2026-01-01T00:00:00Z");
        let whole = document.add(package("whole"));
        document.describes(&whole);
        for _ in 0..2 {
            let part = document.add(Package {
                licence: Some("MIT OR (LicenseRef-Own AND ISC)".to_owned()),
                ..package("part_1")
            });
            document.relate(&whole, "CONTAINS", &part);
        }
        let read: Value = serde_json::from_str(&document.text()).unwrap();
        let ids: Vec<_> =
            read["packages"].as_array().unwrap().iter().map(|one| &one["SPDXID"]).collect();
        assert_eq!(ids, ["SPDXRef-crate-part-x5F-1-1", "SPDXRef-crate-whole-1"]);
        let relationships = read["relationships"].as_array().unwrap();
        assert_eq!(relationships.len(), 2);
        for relationship in relationships {
            assert!(ids.contains(&&relationship["relatedSpdxElement"]));
        }
        assert_eq!(read["hasExtractedLicensingInfos"][0]["licenseId"], "LicenseRef-Own");
    }

    #[test]
    fn names_that_differ_have_ids_that_differ() {
        assert_ne!(package("a_b").id(), package("a-b").id());
        assert_ne!(package("a+b").id(), package("a-b").id());
    }
}
