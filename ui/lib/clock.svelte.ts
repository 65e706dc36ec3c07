// The time, as state: what says "3 min ago" or counts down reads it and is drawn again.

const TICK_MS = 1_000;

class Clock {
  now = $state(new Date());

  constructor() {
    setInterval(() => {
      if (document.visibilityState === 'visible') this.now = new Date();
    }, TICK_MS);
    document.addEventListener('visibilitychange', () => (this.now = new Date()));
  }
}

export const clock = new Clock();
