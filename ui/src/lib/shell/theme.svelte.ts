/** Whether the dark colours are in force: the system's wish, unless the page was told otherwise. */
class Theme {
  dark = $state(false);

  start(): () => void {
    const wish = window.matchMedia("(prefers-color-scheme: dark)");
    const read = () => {
      const told = document.documentElement.dataset["theme"];
      this.dark = told === undefined ? wish.matches : told === "dark";
    };
    const watcher = new MutationObserver(read);
    watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    wish.addEventListener("change", read);
    read();
    return () => {
      watcher.disconnect();
      wish.removeEventListener("change", read);
    };
  }
}

export const theme = new Theme();
