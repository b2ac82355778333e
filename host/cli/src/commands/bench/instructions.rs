//! Instructions that this process carried out, where the kernel counts them.
//!
//! A virtual machine often has no such counter, and a container often may not ask. Then there is no figure, and why.

/// Counters of all threads of this process.
pub(super) struct Instructions {
    #[cfg(target_os = "linux")]
    counters: Vec<perf_event::Counter>,
}

#[cfg(target_os = "linux")]
impl Instructions {
    /// Counts in every thread there is, and in those that they begin.
    pub(super) fn start() -> Result<Self, String> {
        Self::of(perf_event::events::Hardware::INSTRUCTIONS.into())
    }

    fn of(event: perf_event::events::Event) -> Result<Self, String> {
        let mut counters = Vec::new();
        for thread in std::fs::read_dir("/proc/self/task").map_err(|error| error.to_string())? {
            let name = thread.map_err(|error| error.to_string())?.file_name();
            let Some(thread) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            let mut builder = perf_event::Builder::new().kind(event.clone()).observe_pid(thread).any_cpu();
            builder.inherit(true);
            let mut counter = builder.build().map_err(|error| error.to_string())?;
            counter.enable().map_err(|error| error.to_string())?;
            counters.push(counter);
        }
        Ok(Self { counters })
    }

    /// How many there were so far.
    pub(super) fn count(&mut self) -> Option<u64> {
        self.counters.iter_mut().map(|counter| counter.read().ok()).sum()
    }
}

#[cfg(not(target_os = "linux"))]
impl Instructions {
    /// Only Linux is asked.
    pub(super) fn start() -> Result<Self, String> {
        Err("only Linux is asked for it".to_owned())
    }

    /// Nothing.
    pub(super) fn count(&mut self) -> Option<u64> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// CPU time is counted everywhere, in the same way.
    #[test]
    fn what_a_later_thread_does_counts_too() {
        let Ok(mut counters) = Instructions::of(perf_event::events::Software::TASK_CLOCK.into()) else { return };
        let before = counters.count().unwrap();
        let work = || (0..2_000_000_u64).fold(0, |sum, number| std::hint::black_box(sum ^ number));
        std::thread::spawn(work).join().unwrap();
        assert!(counters.count().unwrap() > before);
    }
}
