//! A token server for registries with `auth: token`: checks user and password, signs ES256 tokens with the
//! certificate the registry trusts. In two shapes: Docker's (GET with Basic) and Azure's (`POST /oauth2/token` alone).

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use crate::certificate::Certificate;
use crate::http::{Request, Response, Server};

/// `iss` of every token.
pub const ISSUER: &str = "testkit";
/// `aud` of every token, the registry's `service`.
pub const SERVICE: &str = "registry.testkit";

/// Which requests are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `GET /token?service=&scope=`, Basic or anonymous.
    Docker,
    /// `POST /oauth2/token` with a form; GET is 404.
    Azure,
}

/// Who may have a token.
#[derive(Clone)]
pub struct Account {
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
    /// Repositories that anybody may pull.
    pub public: Vec<String>,
    /// Lifetime of tokens.
    pub expires: Duration,
}

/// Signs tokens.
pub struct Signer {
    key: EcdsaKeyPair,
    certificate_der: Vec<u8>,
}

impl Signer {
    /// With the key of `certificate`.
    pub fn new(certificate: &Certificate) -> std::io::Result<Self> {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &certificate.key_der,
            &random,
        )
        .map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self {
            key,
            certificate_der: certificate.der.clone(),
        })
    }

    /// A token that grants `access` (`[{type, name, actions}]`) for `expires`.
    pub fn token(
        &self,
        subject: &str,
        access: &Value,
        expires: Duration,
    ) -> std::io::Result<String> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_err(std::io::Error::other)?
            .as_secs();
        let header = json!({
            "typ": "JWT",
            "alg": "ES256",
            "x5c": [STANDARD.encode(&self.certificate_der)],
        });
        let claims = json!({
            "iss": ISSUER, "sub": subject, "aud": SERVICE, "jti": format!("{now}"),
            "iat": now, "nbf": now.saturating_sub(30), "exp": now + expires.as_secs(),
            "access": access,
        });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self
            .key
            .sign(&SystemRandom::new(), signed.as_bytes())
            .map_err(|_| std::io::Error::other("the token could not be signed"))?;
        Ok(format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode(signature.as_ref())
        ))
    }
}

/// Starts a token server; over TLS when `tls` is given.
pub async fn serve(
    shape: Shape,
    account: Account,
    signer: Arc<Signer>,
    tls: Option<&Certificate>,
) -> std::io::Result<Server> {
    let handler = move |request: &Request| answer(shape, &account, &signer, request);
    match tls {
        None => Server::start(handler).await,
        Some(certificate) => Server::start_tls(certificate, handler).await,
    }
}

fn answer(shape: Shape, account: &Account, signer: &Signer, request: &Request) -> Response {
    match (shape, request.method.as_str(), request.path.as_str()) {
        (Shape::Docker, "GET", "/token") => {
            let scopes = request.query_values("scope");
            let right = request.query_values("service") == [SERVICE];
            let known = request
                .basic()
                .map(|given| given == (account.username.clone(), account.password.clone()));
            if known == Some(false) || !right {
                return refuse(401, "UNAUTHORIZED", "wrong user name or password");
            }
            let access = access(&scopes, known == Some(true), account);
            grant(account, signer, &access, "token", None)
        }
        (Shape::Azure, "POST", "/oauth2/token") => {
            let field = |name: &str| request.form_value(name).unwrap_or_default();
            let known = match field("grant_type").as_str() {
                "password" => {
                    field("username") == account.username && field("password") == account.password
                }
                "refresh_token" => field("refresh_token") == refresh_token(account),
                _ => return refuse(400, "UNSUPPORTED", "unknown grant_type"),
            };
            if !known || field("service") != SERVICE {
                return refuse(401, "UNAUTHORIZED", "wrong user name or password");
            }
            let scopes: Vec<String> = field("scope").split(' ').map(str::to_owned).collect();
            let access = access(&scopes, true, account);
            let refresh = refresh_token(account);
            grant(account, signer, &access, "access_token", Some(refresh))
        }
        _ => refuse(404, "NOT_FOUND", "no such page"),
    }
}

/// A fixed function of the password; good enough to see that it is sent back.
pub fn refresh_token(account: &Account) -> String {
    crate::image::digest(format!("refresh {}", account.password).as_bytes())
}

fn access(scopes: &[String], signed_in: bool, account: &Account) -> Value {
    let granted: Vec<Value> = scopes
        .iter()
        .filter_map(|scope| {
            let rest = scope.strip_prefix("repository:")?;
            let (name, actions) = rest.rsplit_once(':')?;
            let public = account.public.iter().any(|public| public == name);
            let actions: Vec<&str> = actions
                .split(',')
                .filter(|action| signed_in || public && *action == "pull")
                .collect();
            Some(json!({"type": "repository", "name": name, "actions": actions}))
        })
        .collect();
    json!(granted)
}

fn grant(
    account: &Account,
    signer: &Signer,
    access: &Value,
    name: &str,
    refresh: Option<String>,
) -> Response {
    let Ok(token) = signer.token(&account.username, access, account.expires) else {
        return refuse(500, "UNKNOWN", "the token could not be signed");
    };
    let mut document = json!({"expires_in": account.expires.as_secs()});
    document[name] = json!(token);
    if let Some(refresh) = refresh {
        document["refresh_token"] = json!(refresh);
    }
    Response::new(200, document.to_string()).with("Content-Type", "application/json")
}

fn refuse(status: u16, code: &str, message: &str) -> Response {
    let body = json!({"errors": [{"code": code, "message": message}]});
    Response::new(status, body.to_string()).with("Content-Type", "application/json")
}
