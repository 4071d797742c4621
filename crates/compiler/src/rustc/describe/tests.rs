use super::*;

#[test]
fn every_flag_and_variable_is_on_the_page() {
    let page = describe();
    for flag in table::rows() {
        assert!(page.contains(&format!("| `{}", flag.spelled())), "{flag:?}");
    }
    for (name, _) in environment::INERT {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
    assert!(!page.contains("|  |"), "an empty cell");
}

#[test]
fn every_row_of_a_table_has_its_columns() {
    for line in describe().lines().filter(|line| line.starts_with("| ")) {
        let bars = line.replace("\\|", "").matches('|').count();
        assert!(bars == 5 || bars == 3, "{line}");
    }
}
