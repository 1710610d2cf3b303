//! Passwords and keys that somebody wrote down: told by the name of a setting, or by the shape of a text.
//! Used for images (IMG-07) and for defaults (DEF-09). A hint that errs towards silence: it never guesses by entropy.

/// Words of a setting's name that say its value is secret.
const SECRET_WORDS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "credential",
    "credentials",
];
/// What stands before `key` when the key is a secret one; `GPG_KEY` and `SORT_KEY` are none.
const KEYS: &[&str] = &[
    "access",
    "account",
    "api",
    "auth",
    "encryption",
    "private",
    "secret",
    "shared",
    "signing",
];
/// Last words that turn a secret's name into that of something else, such as `TOKEN_URL` or `PASSWORD_FILE`.
const HARMLESS_ENDS: &[&str] = &[
    "file",
    "path",
    "dir",
    "url",
    "uri",
    "name",
    "length",
    "min",
    "max",
    "ttl",
    "expiry",
    "seconds",
    "minutes",
    "hours",
    "days",
    "id",
    "header",
    "type",
    "algorithm",
    "policy",
    "enabled",
    "required",
    "endpoint",
    "field",
];

/// Does a setting's name say that its value is a password or a key?
pub(crate) fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    if words
        .last()
        .is_some_and(|word| HARMLESS_ENDS.contains(&word.as_str()))
    {
        return false;
    }
    let secret_key = words
        .windows(2)
        .any(|pair| KEYS.contains(&pair[0].as_str()) && pair[1] == "key");
    let connection = words
        .windows(2)
        .any(|pair| pair[0] == "connection" && pair[1] == "string");
    secret_key
        || connection
        || words
            .iter()
            .any(|word| SECRET_WORDS.contains(&word.as_str()))
}

/// `MY_apiKey` → `my`, `api`, `key`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous = ' ';
    for c in name.chars() {
        let hump = c.is_uppercase() && previous.is_lowercase();
        if hump || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        previous = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What a text holds that only a secret looks like.
pub(crate) fn secret_in_text(text: &str) -> Option<&'static str> {
    let marks = [
        ("PRIVATE KEY-----", "a private key"),
        ("SharedAccessKey=", "a shared access key"),
        ("AccountKey=", "a storage account key"),
        ("SharedAccessSignature sr=", "a shared access signature"),
    ];
    if let Some((_, what)) = marks.iter().find(|(mark, _)| value_follows(text, mark)) {
        return Some(what);
    }
    let prefixes = [
        ("AKIA", 16, "a cloud access key id"),
        ("ghp_", 36, "a code host's token"),
        ("github_pat_", 22, "a code host's token"),
        ("glpat-", 20, "a code host's token"),
        ("xoxb-", 20, "a chat token"),
    ];
    prefixes
        .into_iter()
        .find(|(prefix, length, _)| {
            text.match_indices(prefix).any(|(at, _)| {
                let tail = text[at + prefix.len()..].chars();
                tail.take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c))
                    .count()
                    >= *length
            })
        })
        .map(|(_, _, what)| what)
}

/// Is the mark there, followed by a value that is no placeholder? A key block needs no value.
fn value_follows(text: &str, mark: &str) -> bool {
    text.match_indices(mark).any(|(at, _)| {
        let after = text[at + mark.len()..].chars().next();
        mark.ends_with('-') || after.is_some_and(|c| !c.is_whitespace() && !"<$;\"'".contains(c))
    })
}

/// `NAME=value` or `--name value` pieces of a command with a secret name and a value that is written down.
pub(crate) fn secret_assignment(command: &str) -> Option<String> {
    let pieces: Vec<&str> = command.split_whitespace().collect();
    pieces.iter().enumerate().find_map(|(index, piece)| {
        let flag = piece.starts_with("--");
        let (name, value) = match piece.split_once('=') {
            Some((name, value)) => (name, value),
            None if flag => (*piece, *pieces.get(index + 1)?),
            None => return None,
        };
        let name = name.trim_start_matches('-').trim_matches(['"', '\'']);
        let value = value.trim_matches(['"', '\'', ';']);
        let written = is_written_down(value) && !value.starts_with("--");
        (written && is_secret_name(name)).then(|| name.to_owned())
    })
}

/// A value that is neither blank nor a variable nor a placeholder.
pub(crate) fn is_written_down(value: &str) -> bool {
    let value = value.trim();
    !value.is_empty()
        && !value.starts_with('$')
        && domain::placeholder::scan(value).next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_secret() {
        for name in [
            "PASSWORD",
            "DB_PASSWORD",
            "mqttPassword",
            "ApiKey",
            "API_KEY",
            "APIKEY",
            "auth-token",
            "CLIENT_SECRET",
            "IotHubConnectionString",
            "storage.account.key",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "GPG_KEY",
            "KEY",
            "TOKEN_URL",
            "PASSWORD_FILE",
            "secretName",
            "SORT_KEY",
            "MONKEY",
            "TOKENIZER",
            "COMPASS",
            "ACCESS_KEY_ID",
            "PASSWORD_MIN_LENGTH",
            "",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn texts_that_only_a_secret_looks_like() {
        for text in [
            "-----BEGIN RSA PRIVATE KEY-----\nMII",
            "HostName=h;SharedAccessKey=abc=",
            "id AKIAABCDEFGHIJKLMNOP",
            &format!("x ghp_{}", "a".repeat(36)),
        ] {
            assert!(secret_in_text(text).is_some(), "{text}");
        }
        for text in [
            "-----BEGIN CERTIFICATE-----",
            "HostName=h;SharedAccessKey=<HUB_KEY>",
            "AKIA is a prefix",
            "SharedAccessKey=$KEY",
        ] {
            assert_eq!(secret_in_text(text), None, "{text}");
        }
    }

    #[test]
    fn commands_that_hold_a_secret() {
        for command in [
            "ENV DB_PASSWORD=hunter2",
            "RUN login --password hunter2 --user a",
            "RUN x --api-key=abc",
            "ARG TOKEN=\"abc\"",
        ] {
            assert!(secret_assignment(command).is_some(), "{command}");
        }
        for command in [
            "ENV DB_PASSWORD=",
            "ENV DB_PASSWORD=$X",
            "RUN x --password --user a",
            "ENV A=b",
            "ARG TOKEN",
        ] {
            assert_eq!(secret_assignment(command), None, "{command}");
        }
    }
}
