/** The screen's one clock: every age on it moves together, once a second. */
class Clock {
  now = $state(Date.now());

  start(): () => void {
    const tick = () => (this.now = Date.now());
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }
}

export const clock = new Clock();
