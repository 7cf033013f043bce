interface Listener {
  down: () => void;
  up: () => void;
}

/**
 * Ctrl+Shift+R as something that is held: `down` comes once per press, whatever the keyboard repeats, and `up` as soon
 * as any of the three keys is let go. Some webviews repeat keydown without marking it, so the key's own state is kept.
 */
class RollbackKey {
  #pressed = false;
  #listeners = new Set<Listener>();

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): () => void {
    const down = (event: KeyboardEvent) => {
      if (!(event.ctrlKey && event.shiftKey && event.code === "KeyR")) return;
      // In a browser this would reload the page and everything on it.
      event.preventDefault();
      if (this.#pressed) return;
      this.#pressed = true;
      for (const listener of [...this.#listeners]) listener.down();
    };
    const up = (event: KeyboardEvent) => {
      if (event.code === "KeyR" || event.key === "Control" || event.key === "Shift") this.#release();
    };
    const lost = () => this.#release();
    window.addEventListener("keydown", down, true);
    window.addEventListener("keyup", up, true);
    window.addEventListener("blur", lost);
    return () => {
      window.removeEventListener("keydown", down, true);
      window.removeEventListener("keyup", up, true);
      window.removeEventListener("blur", lost);
    };
  }

  #release(): void {
    if (!this.#pressed) return;
    this.#pressed = false;
    for (const listener of [...this.#listeners]) listener.up();
  }
}

export const rollbackKey = new RollbackKey();
