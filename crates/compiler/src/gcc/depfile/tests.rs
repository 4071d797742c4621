use super::*;

fn read(text: &str) -> Option<Vec<String>> {
    let found = prerequisites(text.as_bytes())?;
    Some(found.into_iter().map(|name| String::from_utf8(name).unwrap()).collect())
}

#[test]
fn a_rule_over_several_lines() {
    assert_eq!(
        read("a.o: a.c b.h \\\n /usr/include/stdio.h\n").unwrap(),
        ["a.c", "b.h", "/usr/include/stdio.h"]
    );
    assert_eq!(read("a.o b.o: a.c\n\nb.h:\n/x/c.h:\n").unwrap(), ["a.c"], "-MP");
    assert_eq!(read("").unwrap(), [""; 0]);
    assert_eq!(read("a.o:\n").unwrap(), [""; 0]);
    assert_eq!(read("a.o"), None);
}

#[test]
fn names_are_unquoted() {
    assert_eq!(
        read("a.o: a\\ b.c x$$y.h \\#z.h w\\\\\\ v.h").unwrap(),
        ["a b.c", "x$y.h", "#z.h", "w\\ v.h"]
    );
    assert_eq!(read("a.o: back\\slash.h c:d.h").unwrap(), ["back\\slash.h", "c:d.h"]);
}
