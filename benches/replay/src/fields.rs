//! Byte strings in a row, each after its length: the format of a record's `meta` file.

/// Appends one field.
pub fn push(buffer: &mut Vec<u8>, field: &[u8]) {
    buffer.extend((field.len() as u64).to_le_bytes());
    buffer.extend(field);
}

/// Takes the first field off; `None` at the end or where the file was cut.
pub fn pop<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<8>()?;
    let (field, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *rest = after;
    Some(field)
}

#[cfg(test)]
mod tests {
    use super::{pop, push};

    #[test]
    fn fields_come_back_in_order_and_a_cut_file_ends_early() {
        let mut buffer = Vec::new();
        push(&mut buffer, b"one");
        push(&mut buffer, b"");
        let mut rest = &buffer[..];
        assert_eq!(pop(&mut rest), Some(&b"one"[..]));
        assert_eq!(pop(&mut rest), Some(&b""[..]));
        assert_eq!(pop(&mut rest), None);
        assert_eq!(pop(&mut &buffer[..10]), None);
    }
}
