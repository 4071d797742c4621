use super::*;

fn read(text: &str) -> Option<Vec<Preprocessor>> {
    preprocessor(OsStr::new(text)).ok()
}

#[test]
fn words_for_the_preprocessor() {
    assert_eq!(read("-MD,a.d"), Some(vec![Preprocessor::Depend("-MD".into(), "a.d".into())]));
    assert_eq!(read("-MMD,a.d"), Some(vec![Preprocessor::Depend("-MMD".into(), "a.d".into())]));
    assert_eq!(
        read("-DA=1,-UB,-MT,t"),
        Some(vec![
            Preprocessor::Word("-DA=1".into()),
            Preprocessor::Word("-UB".into()),
            Preprocessor::Target("t".into())
        ])
    );
    for unknown in
        ["", "-MD", "-MD,", "-MD,a.d,-MP", "-D", "-I,a", "-include,a.h", "-MF,a.d", "-M", "a.h", "-MT"]
    {
        assert_eq!(read(unknown), None, "{unknown}");
    }
}

#[test]
fn words_for_the_assembler() {
    assert_eq!(assembler(b"--noexecstack"), Some(Assembler::Code));
    assert_eq!(assembler(b"-march=native"), Some(Assembler::Code));
    assert_eq!(assembler(b"--gdwarf-5"), Some(Assembler::Debug));
    for unknown in
        ["-ahlms=x", "-al", "--MD", "-o", "x.o", "--defsym", "-I.", "-march", "", "--noexecstack=1"]
    {
        assert_eq!(assembler(unknown.as_bytes()), None, "{unknown}");
    }
}

#[test]
fn what_llvm_tells_is_not_cached() {
    for quiet in ["-inline-threshold=3", "--enable-x", "-x86-asm-syntax=intel"] {
        assert!(is_quiet_for_llvm(quiet.as_bytes()), "{quiet}");
    }
    for loud in
        ["-time-passes", "-stats", "--stats", "-print-after-all", "--print-changed", "-debug-only=isel"]
    {
        assert!(!is_quiet_for_llvm(loud.as_bytes()), "{loud}");
    }
}
