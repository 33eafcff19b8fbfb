//! Builds the crate again when the pages were built again. They are built by `cargo xtask console`.

fn main() {
    println!("cargo::rerun-if-changed=web/dist");
}
