//! Cargo builds a package's binaries for its integration tests only, and the tests of the whole product start `heycmo-gateway`.

#[test]
fn the_binary_is_built() {
    assert!(std::path::Path::new(env!("CARGO_BIN_EXE_heycmo-gateway")).is_file());
}
