use super::*;

fn lto(seed: &str, code: &str) -> Vec<Vec<u8>> {
    vec![format!("\x7fELF{code}\0.gnu.lto_.decls.{seed}\0.gnu.lto_f.1.{seed}\0.gnu.lto_.opts\0").into_bytes()]
}

fn coverage(stamp: [u8; 4], code: &[u8]) -> Vec<Vec<u8>> {
    vec![[b"object ", code, &stamp].concat(), [b"oncg*21B".as_slice(), &stamp, b"notes"].concat()]
}

#[test]
fn a_seed_makes_no_difference_and_code_does() {
    let one = lto("d3c5ab3ac5e713ce", "code");
    assert_eq!(compare(&one, &one), Alike::Yes);
    assert_eq!(compare(&one, &lto("bb4ac468f055cf38", "code")), Alike::Yes);
    assert_eq!(compare(&one, &lto("bb4ac468f055cf38", "kode")), Alike::No);
    assert_eq!(compare(&one, &lto("b4ac468f055cf38", "code")), Alike::CannotSay);
    assert_eq!(compare(&one, &[b"\x7fELFcode".to_vec()]), Alike::No);
}

#[test]
fn nor_does_a_stamp() {
    let one = coverage([1, 2, 3, 4], b"code");
    assert_eq!(compare(&one, &coverage([9, 8, 7, 6], b"code")), Alike::Yes);
    assert_eq!(compare(&one, &coverage([9, 8, 7, 6], b"kode")), Alike::No);
}

#[test]
fn nor_does_the_time_in_an_object_for_windows() {
    let object = |time: &[u8], code: &[u8]| vec![[&[0x64, 0x86, 3, 0], time, b"rest", code].concat()];
    assert_eq!(compare(&object(&[1, 2, 3, 4], b"code"), &object(&[5, 6, 7, 8], b"code")), Alike::Yes);
    assert_eq!(compare(&object(&[1, 2, 3, 4], b"code"), &object(&[5, 6, 7, 8], b"kode")), Alike::No);
}

#[test]
fn files_without_marks_are_held_against_each_other_byte_for_byte() {
    let file = |text: &str| vec![text.as_bytes().to_vec()];
    assert_eq!(compare(&file("a"), &file("a")), Alike::Yes);
    assert_eq!(compare(&file("a"), &file("b")), Alike::No);
    assert_eq!(compare(&[], &file("b")), Alike::No);
}
