//! How far is a run that takes long?
//!
//! A bar on standard error, where that is a terminal, and only once a run has lasted a second: a short run should not
//! flicker, and a log should hold no bars.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a run may take without a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// The bar of one run, gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    began: Instant,
    is_shown: AtomicBool,
}

impl Progress {
    /// The bar of a run over so many things, or over nobody knows how many.
    pub(crate) fn of(length: Option<usize>, things: &'static str) -> Self {
        let length = length.and_then(|length| u64::try_from(length).ok());
        let template = match length {
            Some(_) => format!("{{bar:40}} {{pos}}/{{len}} {things}"),
            None => format!("{{spinner}} {{pos}} {things}"),
        };
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden());
        bar.set_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, began: Instant::now(), is_shown: AtomicBool::new(false) }
    }

    /// So many more are done.
    pub(crate) fn advance(&self, count: usize) {
        if self.is_due() && !self.is_shown.swap(true, Ordering::Relaxed) {
            // Draws nothing where standard error is no terminal.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(u64::try_from(count).unwrap_or(u64::MAX));
    }

    fn is_due(&self) -> bool {
        self.began.elapsed() >= PATIENCE
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_run_has_no_bar_and_a_long_one_counts() {
        let mut progress = Progress::of(Some(3), "files");
        progress.advance(1);
        assert!(!progress.is_shown.load(Ordering::Relaxed));
        progress.began = Instant::now().checked_sub(PATIENCE).unwrap();
        progress.advance(2);
        assert!(progress.is_shown.load(Ordering::Relaxed));
        assert_eq!((progress.bar.position(), progress.bar.length()), (3, Some(3)));
    }
}
