//! The operator of the machine turns the keys that seal secrets at rest: a new key, every stored secret sealed again with
//! it, the old keys retired. May be killed at any line and run again: a rotation that did not end is ended first. Servers
//! go on meanwhile. Left out: keys that sign tokens (`registry::keys`), and who may, which is whoever can read the file.

use std::collections::{BTreeMap, BTreeSet};

use domain::actor::Actor;
use domain::ids::OfferKey;
use serde_json::json;
use store::Source;
use store::credentials::{self, Credentials};

use crate::App;
use crate::error::Refused;
use crate::offers::credentials_row_id;
use crate::record::Subject;
use crate::secrets::Sealed;

/// Times that all rows are looked through; a row that changes meanwhile was sealed with the new key by whoever did it.
const ROUNDS_MAX: usize = 10;

/// A key and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// Its id.
    pub id: String,
    /// Whether it seals; the others only open.
    pub seals: bool,
    /// Whether we have it; stored secrets whose key is missing cannot be opened.
    pub present: bool,
    /// Stored secrets that it opens.
    pub secrets: u64,
}

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Whether an earlier rotation was ended instead of a new one begun.
    pub resumed: bool,
    /// The key that seals now.
    pub newest: String,
    /// Secrets sealed again.
    pub sealed_again: u64,
    /// Keys taken out of the file.
    pub retired: Vec<String>,
    /// Keys of the environment that nothing needs any more; the operator takes them out there.
    pub to_retire: Vec<String>,
}

async fn uses(source: &impl Source) -> Result<BTreeMap<String, u64>, Refused> {
    let mut uses = BTreeMap::new();
    for row in credentials::list_all(source).await? {
        *uses.entry(row.key_id).or_default() += 1;
    }
    Ok(uses)
}

/// Every key, oldest first, and those that stored secrets need but we do not have.
pub async fn secret_keys(app: &App) -> Result<Vec<KeyUse>, Refused> {
    let mut uses = uses(&app.reader).await?;
    let newest = app.secrets.newest();
    let ids = app.secrets.ids().into_iter();
    let mut keys: Vec<KeyUse> = ids
        .map(|id| KeyUse {
            seals: id == newest,
            present: true,
            secrets: uses.remove(&id).unwrap_or_default(),
            id,
        })
        .collect();
    keys.extend(uses.into_iter().map(|(id, secrets)| KeyUse {
        id,
        seals: false,
        present: false,
        secrets,
    }));
    Ok(keys)
}

/// Makes a new key, seals every stored secret with it and retires the keys that nothing needs any more. Keys of the
/// environment are rotated there; here the stored secrets follow the newest of them.
pub async fn rotate_secret_keys(app: &App, actor: &Actor) -> Result<Rotation, Refused> {
    let trouble = |error: crate::secrets::SecretError| Refused::trouble(error.to_string());
    let newest = app.secrets.newest();
    let resumed = uses(&app.reader).await?.keys().any(|id| *id != newest);
    if !resumed {
        if !app.secrets.in_file() {
            return Err(Refused::Conflict("The keys stand in EDGEMART_SECRET_KEYS and every stored secret is sealed with the newest of them. Append a line from `edgemart admin keys new` there on every replica, restart them, and run this again.".into()));
        }
        let tx = app.writer.begin().await?;
        credentials::hold_keys_alone(&tx).await?;
        app.secrets.rotate().map_err(trouble)?;
        let data = json!({"newest": app.secrets.newest()});
        let subject = (Subject::Marketplace, "secret_keys");
        app.record(&tx, actor, subject, "secret_key_made", data)
            .await?;
        tx.commit().await?;
    }
    let sealed_again = seal_all_again(app).await?;
    // While nobody seals: nothing can be sealed with an older key any more, so what no row needs now is never needed again.
    let tx = app.writer.begin().await?;
    credentials::hold_keys_alone(&tx).await?;
    let needed: BTreeSet<String> = uses(&tx).await?.into_keys().collect();
    let newest = app.secrets.newest();
    let (mut retired, mut to_retire) = (Vec::new(), Vec::new());
    if app.secrets.in_file() {
        retired = app.secrets.retire_all_but(&needed).map_err(trouble)?;
    } else {
        to_retire = app.secrets.ids();
        to_retire.retain(|id| *id != newest && !needed.contains(id));
    }
    let data = json!({"newest": newest, "sealed_again": sealed_again, "retired": retired});
    let subject = (Subject::Marketplace, "secret_keys");
    app.record(&tx, actor, subject, "secret_keys_rotated", data)
        .await?;
    tx.commit().await?;
    Ok(Rotation {
        resumed,
        newest,
        sealed_again,
        retired,
        to_retire,
    })
}

/// A transaction for each row: a kill in between leaves rows of both keys, which both open.
async fn seal_all_again(app: &App) -> Result<u64, Refused> {
    let mut done = 0;
    for _ in 0..ROUNDS_MAX {
        let newest = app.secrets.newest();
        let mut rows = credentials::list_all(&app.reader).await?;
        rows.retain(|row| row.key_id != newest);
        if rows.is_empty() {
            return Ok(done);
        }
        for row in rows {
            done += u64::from(seal_again(app, &row).await?);
        }
    }
    Err(Refused::Conflict(
        "Stored secrets keep changing under an older key; is a server with other keys running? Compare its key file, then run this again.".into(),
    ))
}

async fn seal_again(app: &App, row: &Credentials) -> Result<bool, Refused> {
    let key = OfferKey {
        publisher: row.publisher.clone(),
        offer: row.offer.clone(),
    };
    let row_id = credentials_row_id(&key, &row.plan);
    let sealed = Sealed {
        key_id: row.key_id.clone(),
        nonce: row.nonce.clone(),
        ciphertext: row.ciphertext.clone(),
    };
    let trouble = |error: crate::secrets::SecretError| {
        Refused::trouble(format!("credentials of {key}, plan {}: {error}", row.plan))
    };
    let plain = app.secrets.open(&row_id, &sealed).map_err(trouble)?;
    let tx = app.writer.begin().await?;
    credentials::hold_keys(&tx).await?;
    let sealed = app.secrets.seal(&row_id, &plain).map_err(trouble)?;
    let done =
        credentials::seal_again(&tx, row, &sealed.key_id, sealed.nonce, sealed.ciphertext).await?;
    tx.commit().await?;
    Ok(done)
}
