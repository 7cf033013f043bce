/** The two halves of the page: what runs on the live pair, and what is tried on copies. */
export const SECTIONS = [
  { id: "live", label: "Live", about: "what runs on the pair" },
  { id: "rehearse", label: "Rehearse", about: "captures, replay and load on copies" },
] as const;

/** Which is shown; it stays while somebody looks at other pages. */
export const section = $state<{ shown: (typeof SECTIONS)[number]["id"] }>({ shown: "live" });
