//! Answers of the workload API: an operation and a body to a status and JSON. No socket.

use base64::prelude::{BASE64_STANDARD, Engine};
use http::StatusCode;
use serde_json::{Value, json};

use super::Credentials;
use super::operation::{Caller, Operation, Refusal};
use crate::authority::Purpose;
use crate::identity::is_host;

/// Answers a request of the module that these credentials belong to.
pub fn answer(
    operation: Result<Operation, Refusal>,
    body: &[u8],
    credentials: &Credentials,
) -> (StatusCode, Value) {
    let answered = operation.and_then(|operation| perform(&operation, body, credentials));
    answered.unwrap_or_else(|refusal| (refusal.status, json!({"message": refusal.message})))
}

fn perform(
    operation: &Operation,
    body: &[u8],
    credentials: &Credentials,
) -> Result<(StatusCode, Value), Refusal> {
    let ok = |value| Ok((StatusCode::OK, value));
    match operation {
        Operation::TrustBundle => ok(json!({"certificate": credentials.authority.root_pem()})),
        Operation::ManifestTrustBundle => ok(json!({"certificate": ""})),
        Operation::Modules => ok(modules(credentials)),
        Operation::Sign(caller) => {
            check(caller, credentials)?;
            let data = base64_field(&object(body)?, "data")?;
            ok(json!({"digest": BASE64_STANDARD.encode(credentials.sign(&data))}))
        }
        Operation::Encrypt(caller) => {
            check(caller, credentials)?;
            let fields = object(body)?;
            let plaintext = base64_field(&fields, "plaintext")?;
            let vector = base64_field(&fields, "initializationVector")?;
            let sealed = credentials.seal(&plaintext, &vector).map_err(internal)?;
            ok(json!({"ciphertext": BASE64_STANDARD.encode(sealed)}))
        }
        Operation::Decrypt(caller) => {
            check(caller, credentials)?;
            let fields = object(body)?;
            let sealed = base64_field(&fields, "ciphertext")?;
            let vector = base64_field(&fields, "initializationVector")?;
            let plaintext = credentials.open(&sealed, &vector).map_err(internal)?;
            ok(json!({"plaintext": BASE64_STANDARD.encode(plaintext)}))
        }
        Operation::ServerCertificate(caller) => {
            check(caller, credentials)?;
            server_certificate(&object(body)?, credentials)
        }
        Operation::IdentityCertificate { module } => {
            check_module(module, credentials)?;
            let name = credentials.module.trim_start_matches('$');
            certificate(&[name], Purpose::Client, credentials)
        }
    }
}

/// For the name that was asked for, and for the module's own.
fn server_certificate(
    fields: &Value,
    credentials: &Credentials,
) -> Result<(StatusCode, Value), Refusal> {
    let name = fields["commonName"].as_str().unwrap_or_default();
    if !is_host(name) && name.parse::<std::net::IpAddr>().is_err() {
        return Err(bad(format!(
            "commonName {:?} is no host name and no address",
            name.chars().take(80).collect::<String>()
        )));
    }
    let own = credentials.module.trim_start_matches('$');
    certificate(&[name, own], Purpose::Server, credentials)
}

fn certificate(
    names: &[&str],
    purpose: Purpose,
    credentials: &Credentials,
) -> Result<(StatusCode, Value), Refusal> {
    let issued = credentials
        .authority
        .issue(names, purpose)
        .map_err(internal)?;
    let value = json!({
        "privateKey": {"type": "key", "bytes": issued.key_pem},
        "certificate": issued.chain_pem,
        "expiration": issued.expires,
    });
    Ok((StatusCode::CREATED, value))
}

/// The module itself, running: a module learns nothing of the others.
fn modules(credentials: &Credentials) -> Value {
    json!({"modules": [{
        "id": "id",
        "name": credentials.module,
        "type": "docker",
        "config": {"settings": {}, "env": []},
        "status": {"runtimeStatus": {"status": "running"}},
    }]})
}

/// The real runtime asks whose process is calling; here the socket says it, and the path has to agree.
fn check(caller: &Caller, credentials: &Credentials) -> Result<(), Refusal> {
    check_module(&caller.module, credentials)?;
    if caller.generation == credentials.generation {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::NOT_FOUND,
        format!("module {} has another generation id", credentials.module),
    ))
}

fn check_module(module: &str, credentials: &Credentials) -> Result<(), Refusal> {
    if module == credentials.module {
        Ok(())
    } else {
        Err(Refusal::new(StatusCode::FORBIDDEN, "forbidden"))
    }
}

/// The body as JSON, whatever its content type: the Python SDK sends none.
fn object(body: &[u8]) -> Result<Value, Refusal> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|problem| bad(format!("the body is no JSON: {problem}")))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(bad("the body is no JSON object".into()))
    }
}

fn base64_field(fields: &Value, name: &str) -> Result<Vec<u8>, Refusal> {
    let text = fields[name]
        .as_str()
        .ok_or_else(|| bad(format!("{name} is missing or no string")))?;
    BASE64_STANDARD
        .decode(text)
        .map_err(|problem| bad(format!("{name} is no base64: {problem}")))
}

fn bad(message: String) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, message)
}

fn internal(problem: impl std::fmt::Display) -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, problem.to_string())
}
