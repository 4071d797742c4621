use super::*;

#[test]
fn a_home_is_found_by_number() {
    let text = "root:x:0:0:root:/root:/bin/bash\nbuild:x:1000:1000::/home/build:/bin/sh\nbroken\nodd:x:7:7::relative:\n";
    assert_eq!(home_of(1000, text), Some("/home/build".into()));
    assert_eq!(home_of(0, text), Some("/root".into()));
    assert_eq!(home_of(7, text), None);
    assert_eq!(home_of(5, text), None);
}
