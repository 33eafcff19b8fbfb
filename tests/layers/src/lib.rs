//! Folders are the architecture, and imports run one way. This crate reads what cargo knows of the
//! workspace and says where that is not so.
//!
//! - [`graph`]: who imports whom, from `cargo metadata`;
//! - [`layers`]: the table of the house, and what may import what;
//! - [`licences`]: that the GPL reaches nobody but the panel;
//! - [`prints`]: that no secret, address or name is in a `Debug` print;
//! - [`provisions`]: that the pages which answer a standard are whole, and name what is there;
//! - [`sources`]: what a pure crate may not name in its sources, and that none has unsafe code;
//! - [`yocto`]: traps in the layers of yocto/.
//!
//! Each returns sentences, one for each thing that is wrong. A new crate must be placed in
//! [`layers::HOUSE`] before the tests pass.

#![forbid(unsafe_code)]

pub mod graph;
pub mod layers;
pub mod licences;
pub mod prints;
pub mod provisions;
pub mod sources;
pub mod yocto;
