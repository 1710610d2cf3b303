//! `WWW-Authenticate`: the challenges of one header field (RFC 9110 §11.6.1), read leniently and without surprise.

/// One challenge: its scheme and parameters, names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads every challenge in `field`. What is not understood is skipped; the first of two equal parameters counts.
pub(super) fn parse(field: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = field;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some(first) = rest.chars().next() else {
            return challenges;
        };
        let (word, after) = token(rest);
        if word.is_empty() {
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let blank = after.trim_start_matches([' ', '\t']);
        match (blank.strip_prefix('='), challenges.last_mut()) {
            (Some(value), Some(challenge)) => {
                let (value, after) = value_of(value.trim_start_matches([' ', '\t']));
                rest = after;
                challenge
                    .parameters
                    .push((word.to_ascii_lowercase(), value));
            }
            (Some(after), None) => rest = after,
            (None, _) => {
                challenges.push(Challenge {
                    scheme: word.to_ascii_lowercase(),
                    parameters: Vec::new(),
                });
                rest = after;
            }
        }
    }
}

fn token(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)))
        .unwrap_or(text.len());
    text.split_at(end)
}

/// A quoted string with escapes, or what some registries send unquoted: everything up to comma or blank.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(field: &str) -> Challenge {
        let mut all = parse(field);
        assert_eq!(all.len(), 1, "{field}: {all:?}");
        all.remove(0)
    }

    #[test]
    fn bearer_challenges_as_registries_write_them() {
        for field in [
            r#"Bearer realm="https://a/token",service="s",scope="repository:a/b:pull,push""#,
            r#"bearer  realm = "https://a/token" , service=s , scope="repository:a/b:pull,push""#,
            r#"BEARER Realm="https://a/token",Service="s",Scope="repository:a/b:pull,push",error="invalid_token""#,
            r#", Bearer scope="repository:a/b:pull,push",realm="https://a/token",service="s","#,
        ] {
            let challenge = one(field);
            assert_eq!(challenge.scheme, "bearer");
            assert_eq!(
                challenge.parameter("realm"),
                Some("https://a/token"),
                "{field}"
            );
            assert_eq!(challenge.parameter("service"), Some("s"), "{field}");
            assert_eq!(
                challenge.parameter("scope"),
                Some("repository:a/b:pull,push"),
                "{field}"
            );
        }
        assert_eq!(
            one("Bearer realm=https://a/token").parameter("realm"),
            Some("https://a/token")
        );
    }

    #[test]
    fn several_challenges_in_one_field() {
        let all = parse(r#"Basic realm="a, \"b\"", Bearer realm="https://a/token", service="s""#);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].scheme, "basic");
        assert_eq!(all[0].parameter("realm"), Some("a, \"b\""));
        assert_eq!(all[1].parameter("service"), Some("s"));
        assert_eq!(parse("Negotiate, Basic realm=x").len(), 2);
    }

    #[test]
    fn nonsense_ends_quietly() {
        for field in [
            "",
            ",,,",
            "=",
            "=x",
            "\"",
            "Bearer realm=\"open",
            "Bearer realm=\"a\\",
            "é é",
            "Bearer =,=,\"\"",
        ] {
            for challenge in parse(field) {
                assert!(!challenge.scheme.is_empty(), "{field}");
            }
        }
        assert_eq!(one("Bearer realm=\"open").parameter("realm"), Some("open"));
    }
}
