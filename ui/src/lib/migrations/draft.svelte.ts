import type { Strategy } from "../api/generated/Strategy";
import type { CreateMigration } from "../api/generated/CreateMigration";
import type { RouterConfig } from "../api/generated/RouterConfig";

export interface PgBouncerDraft {
  id: number;
  kind: "pg_bouncer";
  host: string;
  port: number;
  user: string;
  password: string;
  rw_database: string;
  ro_database: string;
}

export interface HaproxyDraft {
  id: number;
  kind: "haproxy";
  address: string;
  rw_backend: string;
  ro_backend: string;
  source_server: string;
  target_server: string;
}

export type RouterDraft = PgBouncerDraft | HaproxyDraft;

/** The same name that `RouterConfig::secret_name` makes; the engine looks the password up under it. */
export function secretName(router: RouterConfig): string | null {
  return router.kind === "pg_bouncer" ? `pgbouncer ${router.user}@${router.host}:${router.port}` : null;
}

function configOf(draft: RouterDraft): RouterConfig {
  const trimmed = Object.fromEntries(
    Object.entries(draft)
      .filter(([key]) => key !== "id" && key !== "password")
      .map(([key, value]) => [key, typeof value === "string" ? value.trim() : value]),
  );
  return trimmed as unknown as RouterConfig;
}

/** A migration while it is being described. */
export class Draft {
  name = $state("");
  source = $state("");
  target = $state("");
  limits = $state("normal");
  strategy = $state<Strategy>("live");
  routers = $state<RouterDraft[]>([]);
  #nextId = 1;

  addPgBouncer(): void {
    this.routers.push({
      id: this.#nextId++,
      kind: "pg_bouncer",
      host: "127.0.0.1",
      port: 6432,
      user: "pgbouncer",
      password: "",
      rw_database: "app_rw",
      ro_database: "app_ro",
    });
  }

  addHaproxy(): void {
    this.routers.push({
      id: this.#nextId++,
      kind: "haproxy",
      address: "127.0.0.1:9999",
      rw_backend: "rw",
      ro_backend: "ro",
      source_server: "source",
      target_server: "target",
    });
  }

  remove(id: number): void {
    this.routers = this.routers.filter((r) => r.id !== id);
  }

  /** What is still missing, in one sentence; null when it can be created. */
  readonly missing = $derived.by(() => {
    if (this.name.trim() === "") return "a name is missing";
    if (this.source === "") return "the source is missing";
    if (this.target === "") return "the target is missing";
    if (this.source === this.target) return "source and target are the same endpoint";
    const blank = this.routers.some((r) =>
      Object.entries(r).some(([key, value]) => key !== "password" && typeof value === "string" && value.trim() === ""),
    );
    return blank ? "a field of a router is empty" : null;
  });

  request(): CreateMigration {
    const drafts = $state.snapshot(this.routers);
    const passwords = drafts.flatMap((draft) => {
      const secret = secretName(configOf(draft));
      return draft.kind === "pg_bouncer" && secret !== null && draft.password !== ""
        ? [{ secret, password: draft.password }]
        : [];
    });
    return {
      name: this.name.trim(),
      source: this.source,
      target: this.target,
      routers: drafts.map(configOf),
      router_passwords: passwords,
      limits: this.limits,
      strategy: this.strategy,
    };
  }
}
