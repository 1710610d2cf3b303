//! The error codes of distribution-spec "Error Codes" and the JSON envelope that carries them.
//!
//! HTTP status codes are not here: one table in the web crate pairs them with these codes.

use std::fmt;

use serde_json::{Value, json};

/// One of the fourteen codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// The blob is not in this repository.
    BlobUnknown,
    /// The upload cannot go on as asked.
    BlobUploadInvalid,
    /// There is no such upload.
    BlobUploadUnknown,
    /// The digest is malformed or is not that of the content.
    DigestInvalid,
    /// The manifest points at a blob or manifest that is absent.
    ManifestBlobUnknown,
    /// The manifest is malformed.
    ManifestInvalid,
    /// There is no such manifest in this repository.
    ManifestUnknown,
    /// The repository name is malformed.
    NameInvalid,
    /// There is no such repository.
    NameUnknown,
    /// The stated and the received length differ, or a size limit is passed.
    SizeInvalid,
    /// Nobody is signed in.
    Unauthorized,
    /// The one signed in may not.
    Denied,
    /// The operation is not offered.
    Unsupported,
    /// Too many requests in too short a time.
    TooManyRequests,
}

impl ErrorCode {
    /// All codes.
    pub const ALL: [Self; 14] = [
        Self::BlobUnknown,
        Self::BlobUploadInvalid,
        Self::BlobUploadUnknown,
        Self::DigestInvalid,
        Self::ManifestBlobUnknown,
        Self::ManifestInvalid,
        Self::ManifestUnknown,
        Self::NameInvalid,
        Self::NameUnknown,
        Self::SizeInvalid,
        Self::Unauthorized,
        Self::Denied,
        Self::Unsupported,
        Self::TooManyRequests,
    ];

    /// The code as it stands in the envelope.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Denied => "DENIED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TooManyRequests => "TOOMANYREQUESTS",
        }
    }

    /// A sentence for when there is nothing more exact to say.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::BlobUnknown => "this repository has no such blob",
            Self::BlobUploadInvalid => "the upload cannot continue with this request",
            Self::BlobUploadUnknown => "there is no such upload; it may have ended or expired",
            Self::DigestInvalid => "the digest is malformed or does not match the content",
            Self::ManifestBlobUnknown => {
                "the manifest points at content that this repository does not have"
            }
            Self::ManifestInvalid => "the manifest is not valid",
            Self::ManifestUnknown => "this repository has no such manifest",
            Self::NameInvalid => "the repository name is not valid",
            Self::NameUnknown => "there is no such repository",
            Self::SizeInvalid => "the length of the content is not the stated or allowed one",
            Self::Unauthorized => "sign in to do this",
            Self::Denied => "you are signed in but may not do this",
            Self::Unsupported => "this operation is not offered here",
            Self::TooManyRequests => "too many requests; wait before trying again",
        }
    }

    /// The code with this text, as another registry's answer may hold.
    #[must_use]
    pub fn from_code(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.code() == text)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The envelope `{"errors":[{"code","message","detail"}]}`; an absent detail is left out.
#[must_use]
pub fn error_body<M: AsRef<str>>(errors: &[(ErrorCode, M, Option<Value>)]) -> String {
    let errors: Vec<Value> = errors
        .iter()
        .map(|(code, message, detail)| {
            let mut error = json!({ "code": code.code(), "message": message.as_ref() });
            if let Some(detail) = detail {
                error["detail"] = detail.clone();
            }
            error
        })
        .collect();
    json!({ "errors": errors }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_found_again() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_code(code.code()), Some(code));
            assert!(!code.message().is_empty());
        }
        assert_eq!(ErrorCode::from_code("TAG_INVALID"), None);
    }

    #[test]
    fn the_envelope() {
        let body = error_body(&[
            (ErrorCode::NameInvalid, "bad \"name\"", None),
            (
                ErrorCode::Denied,
                ErrorCode::Denied.message(),
                Some(json!({ "scope": "a" })),
            ),
        ]);
        assert_eq!(
            body,
            r#"{"errors":[{"code":"NAME_INVALID","message":"bad \"name\""},{"code":"DENIED","message":"you are signed in but may not do this","detail":{"scope":"a"}}]}"#
        );
        assert_eq!(error_body::<&str>(&[]), r#"{"errors":[]}"#);
    }
}
