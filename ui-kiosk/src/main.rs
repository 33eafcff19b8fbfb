//! conclave-kiosk.
slint::include_modules!();
fn main() {}
