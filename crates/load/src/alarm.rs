//! Waking at a moment, to some tens of microseconds. The runtime's own timers count in milliseconds, which is later than a start
//! may be.

use std::{io, time::Instant};

#[cfg(target_os = "linux")]
pub(crate) use linux::Alarm;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::Alarm;

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::OwnedFd;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    use super::{Instant, io};

    /// One timer of the kernel, which the runtime watches beside its connections: no other thread has to be woken first.
    pub(crate) struct Alarm(AsyncFd<OwnedFd>);

    impl Alarm {
        /// # Errors
        /// When the system has no more of them.
        pub(crate) fn new() -> io::Result<Alarm> {
            let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            #[expect(
                deprecated,
                reason = "what replaces it is unsafe; an OwnedFd is the same descriptor for as long as it lives"
            )]
            AsyncFd::new(timer).map(Alarm)
        }

        /// Returns at that moment; at once when it is over.
        ///
        /// # Errors
        /// When the kernel refuses the timer.
        pub(crate) async fn at(&mut self, moment: Instant) -> io::Result<()> {
            loop {
                let left = moment.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(());
                }
                let once = Itimerspec {
                    it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
                    it_value: Timespec::try_from(left).map_err(io::Error::other)?,
                };
                timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
                // Its count need not be read: setting it anew begins at none.
                self.0.readable().await?.clear_ready();
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use super::{Instant, io};

    /// The runtime's timer: up to some milliseconds late, which the figures show as this program's own error.
    pub(crate) struct Alarm;

    impl Alarm {
        /// # Errors
        /// Never.
        pub(crate) fn new() -> io::Result<Alarm> {
            Ok(Alarm)
        }

        /// Returns at that moment.
        ///
        /// # Errors
        /// Never.
        pub(crate) async fn at(&mut self, moment: Instant) -> io::Result<()> {
            tokio::time::sleep_until(moment.into()).await;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_never_wakes_before_its_moment_and_is_used_again() {
        let mut alarm = Alarm::new().unwrap();
        for us in [0, 1, 40, 300, 2_000, 0, 500] {
            let moment = Instant::now() + Duration::from_micros(us);
            alarm.at(moment).await.unwrap();
            assert!(Instant::now() >= moment, "{us} µs are over");
        }
    }

    #[tokio::test]
    async fn one_that_nobody_waited_for_does_not_wake_the_next_too_early() {
        let mut alarm = Alarm::new().unwrap();
        tokio::select! {
            biased;
            _ = alarm.at(Instant::now() + Duration::from_millis(1)) => panic!("a millisecond is not over at once"),
            () = async {} => {}
        }
        std::thread::sleep(Duration::from_millis(2));
        let moment = Instant::now() + Duration::from_millis(3);
        alarm.at(moment).await.unwrap();
        assert!(Instant::now() >= moment, "the first one's ring is not the second one's");
    }
}
