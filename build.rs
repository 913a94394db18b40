//! Tells cargo to build again when a migration is added: the macro that embeds them sees files, not new directories.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
