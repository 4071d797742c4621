use super::*;

#[test]
fn values_come_back() {
    let mut w = Writer::default();
    w.u8(7);
    w.u32(70_000);
    w.u64(1 << 40);
    w.bytes(b"name");
    w.digest(&Digest::of(b"x"));
    let mut r = Reader(&w.0);
    assert_eq!((r.u8(), r.u32(), r.u64()), (Ok(7), Ok(70_000), Ok(1 << 40)));
    assert_eq!(r.bytes(), Ok(&b"name"[..]));
    assert_eq!(r.digest(), Ok(Digest::of(b"x")));
    assert_eq!(r.end(), Ok(()));
}

#[test]
fn lengths_beyond_the_input_are_malformed() {
    assert_eq!(Reader(&[255, 255, 255, 255]).bytes(), Err(Malformed));
    assert_eq!(Reader(&[255, 255, 255, 255]).list(|r| r.u8()), Err(Malformed));
}

#[test]
fn a_seal_notices_every_flipped_byte() {
    let file = seal(*b"TEST", 1, b"name", b"body");
    assert_eq!(unseal(*b"TEST", 1, b"name", &file), Ok(&b"body"[..]));
    for at in 0..file.len() {
        let mut torn = file.clone();
        torn[at] ^= 1;
        assert_eq!(unseal(*b"TEST", 1, b"name", &torn), Err(Malformed), "byte {at}");
        assert_eq!(unseal(*b"TEST", 1, b"name", &file[..at]), Err(Malformed), "cut at {at}");
    }
}
