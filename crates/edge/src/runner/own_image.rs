//! An image that is brought to the engine for one run and taken away after it. It bears the name of this process and a
//! number, so that runs side by side, also of the same bytes, and also by other processes, do not take it from each other.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use super::label::Label;
use super::{Archive, Engine, EngineError};

static NUMBER: AtomicU64 = AtomicU64::new(0);
/// An engine that loads layers which it is removing at that moment gets confused.
static TURN: Mutex<()> = Mutex::const_new(());

/// The image of one run.
#[derive(Debug)]
pub struct OwnImage {
    engine: Engine,
    name: String,
    loaded: bool,
}

impl OwnImage {
    /// A name that nobody else has. Nothing is at the engine yet.
    pub fn new(engine: &Engine) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self {
            engine: engine.clone(),
            name: Label::own().image_name(&number.to_string()),
            loaded: false,
        }
    }

    /// The name, which the archive has to give it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Brings it to the engine while it is written. The outer error is the writer's.
    ///
    /// # Errors
    /// What `write` says, or inside, that the engine does not take it.
    pub async fn load<E, F>(
        &mut self,
        write: impl FnOnce(Archive) -> F,
    ) -> Result<Result<(), EngineError>, E>
    where
        F: Future<Output = Result<(), E>>,
    {
        let _turn = TURN.lock().await;
        self.loaded = true;
        let loaded = self.engine.load_written(write).await?;
        Ok(loaded.map(drop))
    }

    /// Takes it away.
    ///
    /// # Errors
    /// The engine keeps it; [`Engine::sweep`] takes it, once this process is gone.
    pub async fn remove(mut self) -> Result<(), EngineError> {
        let _turn = TURN.lock().await;
        self.loaded = false;
        self.engine.remove_image(&self.name).await
    }
}

/// The image of a run that is given up halfway goes after its containers, or with the next sweep.
impl Drop for OwnImage {
    fn drop(&mut self) {
        if !std::mem::take(&mut self.loaded) {
            return;
        }
        let (engine, name) = (self.engine.clone(), std::mem::take(&mut self.name));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _turn = TURN.lock().await;
                if let Err(problem) = engine.remove_image(&name).await {
                    tracing::warn!(%problem, "a run that was given up left its image at the container engine");
                }
            });
        }
    }
}
