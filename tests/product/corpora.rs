//! The inputs that fuzzing begins with, and those that it has found: each once, without a fuzzer.

use std::path::Path;

#[test]
fn every_input_of_the_corpora_is_read_as_it_should_be() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut known: Vec<_> = std::fs::read_dir(&corpora).unwrap().map(|it| it.unwrap().file_name()).collect();
    known.sort();
    let mut expected: Vec<_> = fuzz::PARSERS.iter().map(|(name, _)| std::ffi::OsString::from(name)).collect();
    expected.sort();
    assert_eq!(known, expected, "every parser has a corpus");
    for (name, parser) in fuzz::PARSERS {
        for file in std::fs::read_dir(corpora.join(name)).unwrap() {
            let path = file.unwrap().path();
            let input = std::fs::read(&path).unwrap();
            assert!(std::panic::catch_unwind(|| parser(&input)).is_ok(), "{}", path.display());
        }
    }
}
