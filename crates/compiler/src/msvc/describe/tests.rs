use super::*;

#[test]
fn every_option_and_variable_is_on_the_page() {
    let page = describe();
    for name in table::rows().flat_map(|flag| flag.names) {
        assert!(page.contains(&format!("`{name}")), "{name}");
    }
    for (name, _) in environment::COUNTS_WHY.iter().chain(environment::UNCACHED) {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
    assert!(!page.contains("|  |"), "an empty cell");
}

#[test]
fn every_row_of_a_table_has_its_columns() {
    for line in describe().lines().filter(|line| line.starts_with("| ")) {
        let bars = line.matches('|').count();
        assert!(matches!(bars, 3 | 6), "{line}");
    }
}
