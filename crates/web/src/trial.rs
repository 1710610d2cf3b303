//! The page of `edgemart try`: what a developer looks at while a module runs on their machine. It is one page without a
//! server's state; its script asks `poll` and `twin`, and sends what the developer does to `act`, all beside it.
//! Left out: the answers to these, and who may see them, which is the binary's.

use askama::Template;

use crate::view::View as _;

#[derive(Template)]
#[template(path = "trial/page.html")]
struct TrialPage<'a> {
    modules: &'a [String],
    hub: &'a str,
}

/// The page for some modules, the first one chosen; `hub` is where they find the hub.
///
/// # Errors
/// The template cannot be filled in.
pub fn page(modules: &[String], hub: &str) -> Result<String, askama::Error> {
    TrialPage { modules, hub }.render()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_text_and_one_module_needs_no_choice() {
        let page = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            super::page(&names, "edgehub:8883").unwrap()
        };
        let one = page(&["<b>m</b>"]);
        assert!(
            !one.contains("<b>m</b>") && one.contains("m&#60;/b&#62;"),
            "{one}"
        );
        assert!(one.contains("edgehub:8883") && !one.contains("<select id=\"module\""));
        assert!(page(&["a", "b"]).contains("<select id=\"module\""));
    }
}
