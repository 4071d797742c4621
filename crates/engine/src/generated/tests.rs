use super::*;

#[test]
fn finding_a_file_is_all_that_is_allowed() {
    for yes in [
        r#"include!(concat!(env!("OUT_DIR"), "/private.rs"));"#,
        "const V: u8 = include!(concat!(env!(\"OUT_DIR\"), \"/version\"));",
        "include_str! (\n concat!( env!( \"OUT_DIR\" ) , \"/a.txt\" , ) )",
        r#"fn main() { println!("{}", env!("CARGO_PKG_NAME")) }"#,
        "",
    ] {
        assert!(only_includes(yes.as_bytes()), "{yes}");
    }
    for no in [
        r#"const P: &str = env!("OUT_DIR");"#,
        r#"const L: usize = concat!(env!("OUT_DIR"), "/x").len();"#,
        r#"my_include!(concat!(env!("OUT_DIR"), "/x.rs"));"#,
        r#"include!(concat!(env!("OUT_DIR"), "/x.rs")); const P: &str = env!("OUT_DIR");"#,
        r#"env!(concat!("OUT", "_DIR"))"#,
        r#"macro_rules! e { ($n:expr) => { env!($n) } }"#,
        r#"include!(concat!(env!("OUT_DIR"), env!("X")));"#,
        r#"include!(concat!(option_env!("OUT_DIR"), "/x"));"#,
        "// see OUT_DIR",
    ] {
        assert!(!only_includes(no.as_bytes()), "{no}");
    }
}
