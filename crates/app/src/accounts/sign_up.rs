//! A visitor becomes a customer. Refuses a bad or taken address, a short password, or sign-up that the operator closed.

use domain::actor::Actor;
use domain::violation::Violation;
use serde_json::json;
use store::Tx;
use store::accounts::Account;

use super::hash_password;
use crate::App;
use crate::clock::new_id;
use crate::error::Refused;
use crate::record::Subject;

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 100;

/// What a person fills in. Has no `Debug`, so that no log line can have the password.
#[derive(Clone)]
pub struct SignUp {
    /// Where to reach them; also what they sign in with.
    pub email: String,
    /// How others see them.
    pub name: String,
    /// In clear; hashed here and dropped.
    pub password: String,
}

/// A mail address of a shape that can work: one `@`, a dotted host, no blanks, at most 254 characters.
pub(crate) fn email_ok(email: &str) -> bool {
    let Some((local, host)) = email.split_once('@') else {
        return false;
    };
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| !c.is_whitespace() && !c.is_control() && !"@,;<>()[]\\\"".contains(c))
    };
    email.len() <= 254 && plain(local) && plain(host) && (host.contains('.') || host == "localhost")
}

/// Signs a visitor up as a customer.
pub async fn sign_up(app: &App, command: SignUp) -> Result<String, Refused> {
    if !app.settings.open_sign_up {
        return Err(Refused::Conflict(
            "This marketplace does not let people sign up by themselves. Ask its operator for an account.".into(),
        ));
    }
    create_account(app, &Actor::Anonymous, command, false, false).await
}

/// Creates an account with the given roles. Callers decide who may.
pub async fn create_account(
    app: &App,
    actor: &Actor,
    command: SignUp,
    reviewer: bool,
    operator: bool,
) -> Result<String, Refused> {
    let row = prepare_account(app, command, reviewer, operator).await?;
    let tx = app.writer.begin().await?;
    insert_account(app, &tx, actor, &row).await?;
    tx.commit().await?;
    Ok(row.id)
}

/// Writes a prepared account with its event, in the caller's transaction.
pub(super) async fn insert_account(
    app: &App,
    tx: &Tx,
    actor: &Actor,
    row: &Account,
) -> Result<(), Refused> {
    store::accounts::insert(tx, row).await?;
    let data = json!({"reviewer": row.reviewer, "operator": row.operator});
    let subject = (Subject::Account, row.id.as_str());
    app.record(tx, actor, subject, "account_created", data)
        .await?;
    Ok(())
}

/// Checks the fields and hashes the password, so that no transaction waits for it.
pub(super) async fn prepare_account(
    app: &App,
    command: SignUp,
    reviewer: bool,
    operator: bool,
) -> Result<Account, Refused> {
    let email = command.email.trim().to_lowercase();
    let name = command.name.trim().to_owned();
    let mut wrong = Vec::new();
    if !email_ok(&email) {
        wrong.push(Violation::error(
            "email",
            "an address such as name@company.example, at most 254 characters",
            email.chars().take(60).collect::<String>(),
            "Type the address again.",
        ));
    }
    let name_chars = name.chars().count();
    if name_chars == 0 || name_chars > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        wrong.push(Violation::error(
            "name",
            "1 to 100 characters on one line",
            format!("{name_chars} characters"),
            "Shorten it or fill it in.",
        ));
    }
    let password_hash = match hash_password(&command.password).await {
        Ok(hash) => hash,
        Err(Refused::Invalid(more)) => {
            wrong.extend(more);
            String::new()
        }
        Err(other) => return Err(other),
    };
    if !wrong.is_empty() {
        return Err(Refused::Invalid(wrong));
    }
    Ok(Account {
        id: new_id(),
        email,
        name,
        password_hash,
        reviewer,
        operator,
        disabled_at: None,
        created_at: app.clock.now(),
    })
}

#[cfg(test)]
mod tests {
    use super::email_ok;

    #[test]
    fn addresses() {
        for good in [
            "a@b.example",
            "first.last+tag@sub.b.example",
            "dev@localhost",
        ] {
            assert!(email_ok(good), "{good}");
        }
        for bad in [
            "", "a", "a@", "@b.c", "a b@c.d", "a@b", "a@b@c.d", "<a@b.c>", "a\0@b.c",
        ] {
            assert!(!email_ok(bad), "{bad}");
        }
    }
}
