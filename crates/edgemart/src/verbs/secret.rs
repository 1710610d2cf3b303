//! Passwords: from stdin for scripts, from the keyboard without an echo for people, never from a flag.

use std::io::Read as _;

use super::failure::{Exit, Failure, attended, tell_as_is};

/// Longest secret that is read, in bytes.
const SECRET_BYTES_MAX: u64 = 16 * 1024;

/// Reads a secret from stdin; the line end after it does not belong to it.
pub(crate) fn from_stdin(what: &str) -> Result<String, Failure> {
    let failed = |why: String| {
        Failure::new(Exit::Usage, format!("{what} could not be read from stdin")).why(why)
    };
    let mut text = String::new();
    let read = std::io::stdin()
        .lock()
        .take(SECRET_BYTES_MAX + 1)
        .read_to_string(&mut text);
    let length = read.map_err(|error| failed(error.to_string()))?;
    if length as u64 > SECRET_BYTES_MAX {
        return Err(failed(format!(
            "it is longer than {SECRET_BYTES_MAX} bytes"
        )));
    }
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    if secret.is_empty() {
        return Err(failed("it is empty".to_owned()).fix("pipe it in: `pass show … | edgemart …`"));
    }
    Ok(secret.to_owned())
}

/// Asks at the keyboard without an echo.
pub(crate) fn asked(prompt: &str) -> Result<String, Failure> {
    unattended()?;
    rpassword::prompt_password(prompt)
        .map_err(|error| Failure::new(Exit::Failure, "the password could not be read").why(error))
}

/// Asks at the keyboard.
pub(crate) fn asked_openly(prompt: &str) -> Result<String, Failure> {
    unattended()?;
    tell_as_is(prompt);
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::new(Exit::Failure, "the answer could not be read").why(error))?;
    Ok(line.trim().to_owned())
}

/// A script is told which option it needs, instead of waiting for ever.
fn unattended() -> Result<(), Failure> {
    if attended() {
        return Ok(());
    }
    Err(Failure::new(Exit::Usage, "there is nobody to ask")
        .why("stdin or stderr is no terminal")
        .fix("give --email and pipe the password in with --password-stdin"))
}
