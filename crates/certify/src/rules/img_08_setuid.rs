//! IMG-08: no unexpected setuid or setgid programs.

use crate::places::{each_contents, listed};
use crate::rule::{Level, Outcome, Rule};
use crate::subject::Subject;

pub(super) static RULE: Rule = Rule {
    code: "IMG-08",
    title: "No setuid or setgid programs beyond those of the usual base images",
    level: Level::Warn,
    waivable: true,
    sources: &["T-21", "edge-runtime §6.1"],
    why: "A setuid program gives the rights of its owner to whoever starts it, also to an intruder.",
    fix: "Remove the bit (chmod a-s) or the program when you build the image.",
    check,
};

/// Programs that Debian, Ubuntu and Alpine base images bring along, by file name.
const USUAL: &[&str] = &[
    "bbsuid",
    "chage",
    "chfn",
    "chsh",
    "dotlockfile",
    "expiry",
    "gpasswd",
    "mount",
    "newgrp",
    "newgidmap",
    "newuidmap",
    "passwd",
    "pam_extrausers_chkpwd",
    "ssh-agent",
    "ssh-keysign",
    "su",
    "umount",
    "unix_chkpwd",
    "wall",
    "write",
];

fn check(subject: &Subject) -> Vec<Outcome> {
    each_contents(subject, |_, contents, place| {
        let unusual: Vec<&String> = contents
            .setuid
            .iter()
            .filter(|path| !USUAL.contains(&path.rsplit('/').next().unwrap_or_default()))
            .collect();
        if unusual.is_empty() {
            Outcome::passed(
                place,
                format!("{} of the usual ones, no others", contents.setuid.len()),
            )
        } else {
            Outcome::failed(place, listed(unusual))
        }
    })
}
