use super::*;

#[test]
fn names_are_asked_for_in_one_piece_and_in_several() {
    for text in [
        "__FILE__",
        "int n = sizeof(__FILE__);",
        "X(__BASE_FILE__)",
        "std::source_location::current()",
        "__builtin_source_location()",
        "__builtin_FILE ()",
        "P(__FI, LE__)",
        "__FI\\\nLE__",
        "__ ## FILE__",
        "__##FILE##__",
        "__##FILE ## __",
        "P(__FILE, __)",
        "__FILE_ ## _",
        "P(__builtin_, FILE)",
    ] {
        assert!(may_ask_for_a_name(text.as_bytes()), "{text}");
    }
}

#[test]
fn other_words_ask_for_nothing() {
    for text in [
        "",
        "_",
        "__",
        "FILE *f; __FILE *g; struct _IO_FILE h;",
        "#ifndef ____FILE_defined",
        "_(\"message\") + f(a, _(\"b\"))",
        "__CONCAT(__,name) __##name",
        "_LDBL_REDIR (name, proto, __##alias)",
        "__LINE__ __func__ __FILE_NAME_X LE E FILE",
        "GL_COMPILE__ PROFILE__X",
    ] {
        assert!(!may_ask_for_a_name(text.as_bytes()), "{text}");
    }
}

#[test]
fn times_are_compared_by_one_pragma() {
    for text in [
        "#pragma GCC dependency \"a.y\"",
        "_Pragma(\"GCC  dependency \\\"a\\\"\")",
        "dependency GCC\tdependency",
    ] {
        assert!(compares_times(text.as_bytes()), "{text}");
    }
    for text in ["", "dependency", "a GCC_dependency", "GCCdependency", "the GCC has a dependency"] {
        assert!(!compares_times(text.as_bytes()), "{text}");
    }
}
