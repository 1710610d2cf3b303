//! `edgemart try`: an IoT Edge environment on this machine, and modules in it: in containers that are kept running, as a
//! plain process ([`here`]), started by hand, or taken through the steps of a certification ([`check`]).
//!
//! Events go to stdout, for people or as JSON lines; what one types goes to the modules (see [`order`]), and so does what
//! one does on the [`page`].

pub(crate) mod check;
mod compose;
mod console;
pub(crate) mod engine;
mod here;
pub(crate) mod limits;
mod market;
mod options;
mod order;
mod page;
mod process;
mod screen;
pub(crate) mod signals;
mod subject;
mod verdict;
mod view;

use edge::EnvironmentError;
use edge::runner::{Bench, Plan, Restart};
use tokio_util::sync::CancellationToken;

use super::context::Global;
use super::failure::{Exit, Failure, tell};
use console::Console;
use engine::{not_standing, refused};
use options::Options;
use page::Page;
use screen::Screen;
use subject::Subject;

#[derive(Debug, clap::Args)]
pub(crate) struct Try {
    #[command(flatten)]
    options: Options,
}

impl Try {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let options = &self.options;
        let stop = signals::stop()?;
        let Some(what) = &options.what else {
            let mut plan = edge::runner::plain(options.name.as_deref().unwrap_or("module1"));
            options.refine(&mut plan, false)?;
            return here::run(options, &[plan], &[], global, stop).await;
        };
        let mut subjects =
            vec![Subject::find(what, options.name.as_deref(), &options.choice, global).await?];
        for text in &options.beside {
            subjects.push(beside(text, options, global).await?);
        }
        every_value_is_used(options, &subjects)?;
        for subject in &mut subjects {
            subject.plan.limits = options.limits.limits();
        }
        let known = subjects[0].kind_known;
        options.refine(&mut subjects[0].plan, known)?;
        if !options.routes.is_empty() {
            // The routes that are given stand for all.
            subjects[1..]
                .iter_mut()
                .for_each(|subject| subject.plan.routes.clear());
        }
        if options.no_container || options.compose.is_some() {
            let images: Vec<String> = subjects.iter().map(Subject::image).collect();
            let plans: Vec<Plan> = subjects.into_iter().map(|subject| subject.plan).collect();
            return here::run(options, &plans, &images, global, stop).await;
        }
        let engine = engine::open(options.contained.engine.as_deref()).await?;
        for subject in &mut subjects {
            tokio::select! {
                fetched = subject.fetch(&engine, global) => fetched?,
                () = stop.cancelled() => return Ok(()),
            }
        }
        let plans: Vec<Plan> = subjects.into_iter().map(|subject| subject.plan).collect();
        if options.check {
            return checked(what, engine, plans, global, &stop).await;
        }
        contained(options, engine, plans, global, stop).await
    }
}

/// `NAME=…` of `--with`.
async fn beside(text: &str, options: &Options, global: &Global) -> Result<Subject, Failure> {
    let Some((name, what)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err(
            Failure::new(Exit::Usage, format!("{text:?} names no module"))
                .fix("write --with NAME=MODULE, NAME=IMAGE or NAME=OFFER-DIR"),
        );
    };
    Subject::find(what, Some(name), &options.of_beside(), global).await
}

/// A value that there is no place for is a typing mistake.
fn every_value_is_used(options: &Options, subjects: &[Subject]) -> Result<(), Failure> {
    let known = |name: &String| {
        let mut subjects = subjects.iter();
        subjects.any(|subject| subject.placeholders.contains(name))
    };
    match options.choice.set.iter().find(|(name, _)| !known(name)) {
        Some((name, _)) => Err(Failure::new(
            Exit::Usage,
            format!("there is no placeholder {name}"),
        )
        .fix("correct its name in --set, or leave it out")),
        None => Ok(()),
    }
}

/// Takes the module through the steps, and judges it.
async fn checked(
    what: &str,
    engine: edge::runner::Engine,
    mut plans: Vec<Plan>,
    global: &Global,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let mut plan = plans.swap_remove(0);
    with_a_route(std::slice::from_mut(&mut plan));
    let place = format!("{what}, {}", plan.module);
    let expected = plan.expected.clone();
    let mut screen = Screen::new(global.output);
    let Some(observed) = check::perform(engine, plan, Some(&mut screen), stop).await? else {
        tell("Stopped; no verdict.");
        return Ok(());
    };
    verdict::show(&verdict::judge(place, expected, observed)?, global.output)
}

/// Keeps the modules running in containers until somebody has seen enough.
async fn contained(
    options: &Options,
    engine: edge::runner::Engine,
    mut plans: Vec<Plan>,
    global: &Global,
    stop: CancellationToken,
) -> Result<(), Failure> {
    with_a_route(&mut plans);
    let mut bench = Bench::open(engine, plans.clone())
        .await
        .map_err(not_standing)?;
    for what in &bench.left_out {
        tell(&format!("Not exercised: createOptions of {what}"));
    }
    let board = bench.board().clone();
    let opened = Page::open(options, bench.environment(), &board, &plans).await;
    let (page, failed) = match opened {
        Ok(page) => (page, None),
        Err(failure) => (None, Some(failure)),
    };
    let mut console = Console {
        screen: Screen::new(global.output),
        page,
        module: plans[0].module.clone(),
        board,
        stop,
    };
    let attended = match failed {
        Some(failure) => Err(failure),
        None => {
            bench.start(options.restart.map_or(Restart::Always, Restart::from));
            console.attend(bench.environment()).await
        }
    };
    let log = bench.close().await.map_err(refused)?;
    console.close(&log).await?;
    match attended? {
        None | Some(0) => Ok(()),
        Some(code) => Err(ended_badly(code)),
    }
}

/// Without any route, everything goes to the cloud.
fn with_a_route(plans: &mut [Plan]) {
    if plans.iter().all(|plan| plan.routes.is_empty()) {
        plans[0].routes.extend(everything_upstream());
    }
}

fn everything_upstream() -> [(String, String); 1] {
    [("upstream".into(), "FROM /messages/* INTO $upstream".into())]
}

pub(crate) fn not_started(problem: EnvironmentError) -> Failure {
    let exit = match problem {
        EnvironmentError::Server(_) => Exit::Conflict,
        EnvironmentError::Name { .. }
        | EnvironmentError::Modules { .. }
        | EnvironmentError::Desired { .. }
        | EnvironmentError::Routing(_) => Exit::Invalid,
        _ => Exit::Failure,
    };
    Failure::new(exit, "the environment does not start").why(problem)
}

fn ended_badly(code: i64) -> Failure {
    Failure::new(Exit::Failure, format!("the module ended with code {code}"))
        .fix("look at what it printed above; an edge module runs until it is told to stop")
}

/// Milliseconds of a length of time.
fn millis(length: std::time::Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
