//! Lists of an upstream repository: its tags, page by page, and what refers to a manifest.

use std::collections::HashSet;

use oci::{Descriptor, Digest, Reference, Tag};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, LINK};
use serde::Deserialize;
use url::Url;

use super::attached::digest_tag;
use super::{Ask, Registry, UpstreamError};
use crate::egress::read_bounded;

/// The largest page of a tag list.
const PAGE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Tags asked for at once; registries give what they like.
const PAGE_TAGS: &str = "n=1000";

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Registry {
    /// Every tag of the repository, in the registry's order. Names that are no tags are left out.
    ///
    /// # Errors
    /// [`UpstreamError`]; a list that does not end within the limits is one.
    pub async fn tags(&self) -> Result<Vec<Tag>, UpstreamError> {
        let what = "the list of tags";
        let mut url = self.url("tags/list").await?;
        url.set_query(Some(PAGE_TAGS));
        let mut tags = Vec::new();
        for _ in 0..self.0.limits.tag_pages_max {
            let answer = self.ask(Ask::get(url.clone(), what)).await?;
            if answer.response.status() != 200 {
                return Err(self.unexpected(answer, what).await);
            }
            let next = next_page(&url, answer.response.headers());
            let page: Page = self.page(answer, what).await?;
            let names = page.tags.unwrap_or_default();
            tags.extend(names.iter().filter_map(|name| name.parse::<Tag>().ok()));
            if tags.len() > self.0.limits.tags_max {
                return Err(self.too_many("tags", self.0.limits.tags_max, tags.len()));
            }
            match next {
                None => return Ok(tags),
                Some(next) if next.origin() != url.origin() || next == url => {
                    return Err(UpstreamError::Protocol {
                        at: self.0.at.clone(),
                        what: what.to_owned(),
                        found: "a next page on another host, or itself".to_owned(),
                    });
                }
                Some(next) => url = next,
            }
        }
        let limit = self.0.limits.tag_pages_max;
        Err(self.too_many("pages of tags", limit, limit + 1))
    }

    /// What refers to `digest` (signatures, SBOMs), by digest: the referrers API, else the fallback tag. A registry that
    /// knows neither has none. Once there are `max` of them no further page is asked for.
    ///
    /// # Errors
    /// [`UpstreamError`] when the registry cannot be asked, or answers what nobody understands.
    pub async fn referrers(
        &self,
        digest: &Digest,
        max: usize,
    ) -> Result<Vec<Digest>, UpstreamError> {
        let what = "the list of referrers";
        let mut url = self.url(&format!("referrers/{digest}")).await?;
        let mut asked = HashSet::new();
        let mut found = Vec::new();
        for page in 0..self.0.limits.tag_pages_max {
            let index = HeaderValue::from_static(oci::media_type::OCI_INDEX);
            let answer = self.ask(Ask::get(url.clone(), what).header(ACCEPT, index));
            let answer = match answer.await {
                // Some registries that do not know the address fail over it.
                Err(UpstreamError::Busy { status: 500, .. }) if page == 0 => {
                    return self.fallback_referrers(digest, max).await;
                }
                answer => answer?,
            };
            match answer.response.status().as_u16() {
                200 => {}
                _ if page == 0 => return self.fallback_referrers(digest, max).await,
                _ => return Err(self.unexpected(answer, what).await),
            }
            let next = next_page(&url, answer.response.headers());
            let page: Referrers = self.page(answer, what).await?;
            found.extend(page.manifests.into_iter().map(|entry| entry.digest));
            found.truncate(max);
            asked.insert(url.clone());
            match next {
                Some(next)
                    if found.len() < max
                        && next.origin() == url.origin()
                        && !asked.contains(&next) =>
                {
                    url = next;
                }
                _ => return Ok(found),
            }
        }
        Ok(found)
    }

    async fn fallback_referrers(
        &self,
        digest: &Digest,
        max: usize,
    ) -> Result<Vec<Digest>, UpstreamError> {
        let Some(tag) = digest_tag(digest, "") else {
            return Ok(Vec::new());
        };
        match self.manifest(&Reference::Tag(tag)).await {
            Ok(manifest) => {
                let listed = manifest.children().iter().take(max);
                Ok(listed.map(|entry| entry.digest.clone()).collect())
            }
            Err(UpstreamError::NotFound { .. } | UpstreamError::NoRepository { .. }) => {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    async fn page<T: serde::de::DeserializeOwned>(
        &self,
        answer: crate::egress::Answer,
        what: &str,
    ) -> Result<T, UpstreamError> {
        let deadline = tokio::time::Instant::now() + self.0.limits.document_time_max;
        let body = read_bounded(&self.0.egress, answer, PAGE_BYTES_MAX, deadline)
            .await
            .map_err(|error| UpstreamError::egress(&self.0.at, error))?;
        serde_json::from_slice(&body).map_err(|error| UpstreamError::Protocol {
            at: self.0.at.clone(),
            what: what.to_owned(),
            found: format!("a document that cannot be read ({error})"),
        })
    }

    fn too_many(&self, what: &str, limit: usize, found: usize) -> UpstreamError {
        UpstreamError::Limit {
            at: self.0.at.clone(),
            what: what.to_owned(),
            limit: limit as u64,
            found: found as u64,
            fix: "name the tags to import instead of listing them",
        }
    }
}

#[derive(Deserialize)]
struct Referrers {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

/// RFC 8288: the target of `rel="next"`, relative to the page.
fn next_page(page: &Url, headers: &HeaderMap) -> Option<Url> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split('<').skip(1))
        .find_map(|link| {
            let (target, parameters) = link.split_once('>')?;
            let next = parameters.split([';', ',']).any(|parameter| {
                let compact: String = parameter
                    .chars()
                    .filter(|c| !c.is_whitespace() && *c != '"')
                    .collect();
                compact.eq_ignore_ascii_case("rel=next")
            });
            next.then(|| page.join(target).ok()).flatten()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found() {
        let page: Url = "https://r.example/v2/a/tags/list?n=2".parse().unwrap();
        let next = |link: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(LINK, HeaderValue::from_static(link));
            next_page(&page, &headers).map(String::from)
        };
        let expected = Some("https://r.example/v2/a/tags/list?last=b&n=2".to_owned());
        for link in [
            r#"</v2/a/tags/list?last=b&n=2>; rel="next""#,
            r#"<https://r.example/v2/a/tags/list?last=b&n=2>;rel=next"#,
            r#"</x>; rel="prev", </v2/a/tags/list?last=b&n=2>; rel="next""#,
            r#"<?last=b&n=2>; REL = "next""#,
        ] {
            assert_eq!(next(link), expected, "{link}");
        }
        for link in ["", "x", "<", "</x>; rel=prev", "</x", "; rel=next"] {
            assert_eq!(next(link), None, "{link}");
        }
    }
}
