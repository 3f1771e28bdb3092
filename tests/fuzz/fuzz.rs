//! The fuzzer of one parser: that of the name in `FUZZ_PARSER`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static PARSER: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_PARSER").expect("FUZZ_PARSER is the name of a corpus");
    let parser = fuzz::PARSERS.into_iter().find(|(known, _)| *known == name);
    parser.unwrap_or_else(|| panic!("FUZZ_PARSER is `{name}`, which is not the name of a corpus")).1
});

fuzz_target!(|data: &[u8]| PARSER(data));
