//! Words that evidence is told with.

/// How many of a thing: `1 route`, `3 routes`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_is_told_as_one() {
        let told = [0, 1, 2].map(|count| super::counted(count, "entry", "entries"));
        assert_eq!(told, ["0 entries", "1 entry", "2 entries"]);
    }
}
