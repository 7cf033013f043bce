import { PAGES, STORE_PAGES, type PageId } from "./pages";

export interface Place {
  page: PageId;
  migration: string | null;
}

const REMEMBERED = "switchyard.place";

/** `#/m/<migration>/<page>` or `#/<page>`. */
export function parsePlace(hash: string): Place | null {
  const parts = hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const known = (id: string | undefined): id is PageId => id === "new" || PAGES.some((p) => p.id === id);
  if (parts[0] === "m" && parts[1]) {
    const page = known(parts[2]) ? parts[2] : "overview";
    return { page, migration: parts[1] };
  }
  const page = parts[0];
  return known(page) && STORE_PAGES.includes(page) ? { page, migration: null } : null;
}

export function hashOf(place: Place): string {
  const needsMigration = place.migration !== null && !STORE_PAGES.includes(place.page);
  return needsMigration ? `#/m/${encodeURIComponent(place.migration ?? "")}/${place.page}` : `#/${place.page}`;
}

/** Where the reader is. The address carries it, so that a reload or a reopened window comes back to the same page. */
export class Router {
  place = $state.raw<Place>({ page: "migrations", migration: null });

  start(): () => void {
    const remembered = localStorage.getItem(REMEMBERED) ?? "";
    const read = () => {
      const next = parsePlace(location.hash);
      if (next !== null) this.#arrive(next);
    };
    this.#arrive(parsePlace(location.hash) ?? parsePlace(remembered) ?? this.place);
    history.replaceState(null, "", hashOf(this.place));
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
  }

  /** Goes to a page; one that belongs to a migration stays with the present one. */
  go(page: PageId, migration: string | null = this.place.migration): void {
    if (migration === null && !STORE_PAGES.includes(page)) return;
    this.#arrive({ page, migration });
    const hash = hashOf(this.place);
    if (location.hash !== hash) location.hash = hash;
  }

  #arrive(next: Place): void {
    // The store's pages keep the migration in mind: the header, its rollback button included, stays where it was.
    const migration = next.migration ?? this.place.migration;
    this.place = { page: next.page, migration };
    localStorage.setItem(REMEMBERED, hashOf(this.place));
  }
}
