use super::*;

fn rule(names: &[usize]) -> Vec<u8> {
    let mut text = b"a.o:".to_vec();
    for &length in names {
        text.push(b' ');
        text.extend(vec![b'x'; length]);
    }
    text.push(b'\n');
    text
}

fn lines(text: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(text).lines().map(str::to_owned).collect()
}

#[test]
fn gcc_breaks_after_seventy_two_columns() {
    // `a.o:` and a space, then what fits
    let fits = wrap(&rule(&[30, 37]), Family::Gcc).expect("a rule");
    assert_eq!(lines(&fits).len(), 1, "{:?}", lines(&fits));
    let longer = wrap(&rule(&[30, 38]), Family::Gcc).expect("a rule");
    assert_eq!(lines(&longer).len(), 2, "{:?}", lines(&longer));
    assert!(lines(&longer)[0].ends_with(" \\") && lines(&longer)[1].starts_with(" x"));
}

#[test]
fn wrapping_twice_changes_nothing() {
    for family in [Family::Gcc, Family::Clang] {
        for names in [&[1][..], &[90, 90], &[30, 30, 30, 30], &[60, 5, 5, 5, 70]] {
            let once = wrap(&rule(names), family).expect("a rule");
            assert_eq!(wrap(&once, family), Some(once.clone()), "{names:?}");
        }
        let text = b"a.o b.o: a\\ b.c c$$d.h\n\n\\#e.h:\nf.h:\n";
        assert_eq!(wrap(text, family).as_deref(), Some(&text[..]));
        assert_eq!(wrap(b"", family), Some(Vec::new()));
        assert_eq!(wrap(b"no rule\n", family), None);
        assert_eq!(wrap(b"a.o: a.c", family), None);
    }
}
