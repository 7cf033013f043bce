import type { ApiError } from "../api/generated/ApiError";
import type { DualWriteScope } from "../api/generated/DualWriteScope";
import type { DualWriteView } from "../api/generated/DualWriteView";
import { toFault, type Backend } from "../backend/backend";
import { share } from "../cockpit/share";
import { Looks } from "../parts/looks";

const PERIOD_MS = 1_000;

/** Follows synchronous dual write while somebody looks, and asks for it and for its end. Nothing is judged here. */
export class DualWrite {
  view = $state.raw<DualWriteView | null>(null);
  /** Why the last look failed; what was seen before stays. */
  fault = $state.raw<ApiError | null>(null);
  /** Why its end was not taken down. */
  refused = $state.raw<ApiError | null>(null);
  asking = $state(false);

  readonly #looks = new Looks<DualWriteView>({
    period: PERIOD_MS,
    ask: () => this.backend.call("dual_write", { name: this.migration }),
    show: (next) => {
      this.view = share(this.view, next);
      this.fault = null;
    },
    failed: (thrown) => (this.fault = toFault(thrown)),
  });

  constructor(
    readonly backend: Backend,
    readonly migration: string,
  ) {}

  start(): () => void {
    return this.#looks.start();
  }

  /** Throws what was refused, for the dialog that asked. */
  async on(scope: DualWriteScope, budget_us: number): Promise<void> {
    await this.backend.call("dual_write_on", { migration: this.migration, scope, budget_us });
    this.#soon();
  }

  async off(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    this.refused = null;
    try {
      await this.backend.call("dual_write_off", { name: this.migration });
    } catch (thrown) {
      this.refused = toFault(thrown);
    } finally {
      this.asking = false;
    }
    this.#soon();
  }

  #soon(): void {
    this.#looks.outdated();
    this.#looks.soon();
  }
}

/** The statements with the role's name in its place, quoted as the server wants it. */
export function statementsOf(view: DualWriteView, scope: DualWriteScope): string[] {
  if (scope.scope === "database") return view.statements_database;
  const name = scope.role.trim().replaceAll('"', '""');
  return view.statements_role.map((s) => s.replaceAll("{ROLE}", () => (name === "" ? "…" : name)));
}

/** A budget as typed in ms, in µs; null where it is none. */
export function budgetOf(text: string): number | null {
  const ms = Number(text.trim().replace(",", "."));
  return text.trim() !== "" && Number.isFinite(ms) && ms > 0 ? Math.round(ms * 1000) : null;
}
