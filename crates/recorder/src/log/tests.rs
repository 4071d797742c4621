use std::path::Path;

use proptest::prelude::*;

use super::*;

/// A record as preload/log.c writes it.
fn record(
    kind: u16,
    [by, detail]: [u8; 2],
    process: u32,
    (errno, extra): (i32, u32),
    texts: [&[u8]; 2],
) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    bytes.extend(kind.to_le_bytes());
    bytes.extend([by, detail]);
    bytes.extend(process.to_le_bytes());
    bytes.extend(errno.to_le_bytes());
    bytes.extend(extra.to_le_bytes());
    for text in texts {
        bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
    }
    bytes.extend(texts.concat());
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let size = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    bytes[..4].copy_from_slice(&size);
    bytes
}

fn started(serial: u32) -> Vec<u8> {
    record(kind::START, [0, 0], serial, (77, 0), [b"/bin/rustc\0/project\0/lib/libc.so", b""])
}

fn log(records: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = head(None).to_vec();
    bytes.extend(records.concat());
    let size = (bytes.len() as u64).to_le_bytes();
    bytes[16..24].copy_from_slice(&size);
    bytes
}

fn read(records: &[Vec<u8>]) -> Result<Record, Unrecorded> {
    read_log(&log(records))
}

/// Each would be a copy of the path before it, and a log has room for millions.
#[test]
fn a_second_search_for_one_library_is_torn() {
    let with = |text: &[u8]| read(&[record(kind::START, [0, 0], ROOT, (77, 0), [text, b""])]);
    let one_each = with(b"/bin/cc\0/w\0r/a\0/lib/libc.so\0r/b\0l/c").unwrap();
    assert_eq!(one_each.processes[0].searches.len(), 2);
    assert!(matches!(with(b"/bin/cc\0/w\0r/a\0r/b"), Err(Unrecorded::Torn)));
    assert!(matches!(with(b"/bin/cc\0/w\0/lib/libc.so\0r/a\0l/c\0r/b"), Err(Unrecorded::Torn)));
}

#[test]
fn a_small_run_is_read() {
    let record = read(&[
        started(ROOT),
        record(kind::OPEN, [1, 3], ROOT, (2, 0), [b"/project/absent", b""]),
        record(kind::EXEC, [1, 0], ROOT, (0, 2), [b"/bin/cc", b""]),
        started(2),
        record(kind::RENAME, [0, 0], 2, (0, 0), [b"/a", b"/b"]),
    ])
    .unwrap();
    assert_eq!(record.processes[0].exe, Path::new("/bin/rustc"));
    assert_eq!(record.processes[0].cwd, Path::new("/project"));
    assert_eq!(record.processes[0].modules, [Path::new("/lib/libc.so")]);
    assert_eq!((record.processes[1].parent, record.processes[1].spawned_by), (Some(0), By::Loaded));
    let mode = OpenMode { read: true, write: true, ..OpenMode::default() };
    let open = Act::Open { path: "/project/absent".into(), mode, errno: 2 };
    assert_eq!(record.events[0], RecordedEvent { process: 0, by: By::Loaded, act: open });
    let rename = Act::Rename { from: "/a".into(), to: "/b".into(), errno: 0 };
    assert_eq!(record.events[2], RecordedEvent { process: 1, by: By::Compiler, act: rename });
}

#[test]
fn silence_is_not_taken_for_nothing() {
    assert!(matches!(read(&[]), Err(Unrecorded::NoRoot)));
    let exec = record(kind::EXEC, [0, 0], ROOT, (0, 2), [b"/bin/cc", b""]);
    let failed = record(kind::EXEC_FAILED, [0, 0], ROOT, (2, 2), [b"", b""]);
    let silent = read(&[started(ROOT), exec.clone()]);
    assert!(matches!(silent, Err(Unrecorded::Silent { path }) if path == Path::new("/bin/cc")));
    let record = read(&[started(ROOT), exec, failed]).unwrap();
    assert_eq!(record.events[0].act, Act::Exec { path: "/bin/cc".into(), errno: 2 });
}

#[test]
fn blind_wins() {
    let blind = record(kind::BLIND, [0, 0], ROOT, (0, 0), [b"/bin/static", b""]);
    assert!(
        matches!(read(&[started(ROOT), blind]), Err(Unrecorded::Blind { path }) if path == Path::new("/bin/static"))
    );
}

#[test]
fn an_unwritten_record_is_torn() {
    let mut unwritten = record(kind::ASK, [0, 1], ROOT, (0, 0), [b"", b""]);
    unwritten[..4].fill(0);
    assert!(matches!(read(&[started(ROOT), unwritten, started(2)]), Err(Unrecorded::Torn)));
}

#[test]
fn nonsense_is_torn() {
    let unknown_process = record(kind::OPEN, [0, 0], 9, (0, 0), [b"/a", b""]);
    let unknown_kind = record(99, [0, 0], ROOT, (0, 0), [b"/a", b""]);
    let unknown_caller = record(kind::OPEN, [7, 0], ROOT, (0, 0), [b"/a", b""]);
    for nonsense in [unknown_process, unknown_kind, unknown_caller, started(ROOT), started(5)] {
        assert!(matches!(read(&[started(ROOT), nonsense]), Err(Unrecorded::Torn)));
    }
}

#[test]
fn a_flag_or_a_long_tail_is_an_overflow() {
    for (at, value) in [(28, 1), (28, 2), (20, 1)] {
        let mut content = log(&[started(ROOT)]);
        content[at] = value;
        assert!(matches!(end(&content), Err(Unrecorded::Overflow)));
    }
}

/// The two tables of numbers, ours and the object's.
#[test]
fn the_object_uses_the_same_numbers() {
    let header = include_str!("../../preload/kinds.h");
    let number = |name: &str| {
        let line = header.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
        line.unwrap_or_else(|| panic!("{name} is missing")).split_whitespace().nth(2).unwrap()
    };
    let same = |name: &str, value: u64| assert_eq!(number(name), value.to_string(), "{name}");
    let kinds = "START EXEC EXEC_FAILED BLIND OPEN STAT ACCESS READ_LINK REAL_PATH LIST LOAD GETENV PROBE RENAME REMOVE \
                 CREATE MODIFY ASK";
    let ours = [
        kind::START,
        kind::EXEC,
        kind::EXEC_FAILED,
        kind::BLIND,
        kind::OPEN,
        kind::STAT,
        kind::ACCESS,
        kind::READ_LINK,
        kind::REAL_PATH,
        kind::LIST,
        kind::LOAD,
        kind::GETENV,
        kind::PROBE,
        kind::RENAME,
        kind::REMOVE,
        kind::CREATE,
        kind::MODIFY,
        kind::ASK,
    ];
    for (name, value) in kinds.split_whitespace().zip(ours) {
        same(&format!("KIND_{name}"), u64::from(value));
    }
    let asks = [
        ("TIME", Ask::Time),
        ("MONOTONIC", Ask::Monotonic),
        ("UMASK", Ask::Umask),
        ("SIGNALS", Ask::Signals),
        ("PROCESSOR", Ask::Processor),
        ("TERMINAL", Ask::Terminal),
        ("ATTRIBUTES", Ask::Attributes),
        ("SPACE", Ask::Space),
        ("OTHERS", Ask::Others),
        ("UNKNOWN", Ask::Unknown),
        ("UNSEEN", Ask::Unseen),
        ("RANDOM", Ask::Random),
        ("PID", Ask::Pid),
        ("HOST", Ask::Host),
        ("USER", Ask::User),
        ("CPUS", Ask::Cpus),
        ("LIMITS", Ask::Limits),
        ("NETWORK", Ask::Network),
        ("CWD", Ask::Cwd),
        ("DATE", Ask::Date),
        ("UTC", Ask::Utc),
    ];
    for (name, value) in asks {
        assert_eq!(ask(number(&format!("ASK_{name}")).parse().unwrap()).unwrap(), value);
    }
    let creations = [
        ("DIR", What::Dir),
        ("SYMLINK", What::Symlink),
        ("LINK", What::Link),
        ("TEMP", What::Temp),
        ("TEMP_DIR", What::TempDir),
        ("NODE", What::Node),
    ];
    for (name, value) in creations {
        assert_eq!(what(number(&format!("CREATE_{name}")).parse().unwrap()).unwrap(), value);
    }
    same("LOG_RECORDS", HEAD_SIZE as u64);
    assert_eq!(number("LOG_MAGIC"), format!("{MAGIC:#x}ul"));
}

fn any_record() -> impl Strategy<Value = Vec<u8>> {
    let text = || prop::collection::vec(any::<u8>(), 0..20);
    let fields = (0..22_u16, 0..3_u8, 0..70_u8, 0..4_u32, -1..40_i32, 0..4_u32);
    (fields, text(), text()).prop_map(|((kind, by, detail, process, errno, extra), first, second)| {
        record(kind, [by, detail], process, (errno, extra), [&first, &second])
    })
}

proptest! {
    #[test]
    fn random_records_never_panic(records in prop::collection::vec(any_record(), 0..12)) {
        let mut records = records;
        records.insert(0, started(ROOT));
        let _ = read(&records);
    }

    #[test]
    fn damaged_logs_never_panic(at in 0..1000_usize, value: u8, cut in 0..1000_usize) {
        let mut content = log(&[
            started(ROOT),
            record(kind::EXEC, [0, 0], ROOT, (0, 2), [b"/bin/cc", b""]),
            started(2),
            record(kind::RENAME, [0, 0], 2, (0, 0), [b"/a", b"/b"]),
        ]);
        let length = content.len();
        content[at % length] = value;
        content.truncate(cut % (length + 1));
        if let Ok(end) = end(&content) {
            let _ = decode(&content, end);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let content = log(&[bytes]);
        let _ = decode(&content, content.len());
    }
}
