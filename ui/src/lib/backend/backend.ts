import type { ApiError } from "../api/generated/ApiError";
import type { Commands } from "../api/generated/commands";
import type { Event } from "../api/generated/Event";
import type { Exported } from "../api/generated/Exported";
import type { Written } from "../api/generated/Written";

export type CommandName = keyof Commands;
export type Args<K extends CommandName> = Commands[K]["args"];
export type Result<K extends CommandName> = Commands[K]["result"];
export type Unlisten = () => void;

/** The one way from the screen to the engine, whatever hosts it. */
export interface Backend {
  /** Rejects with an {@link ApiFault}, never with anything else. */
  call<K extends CommandName>(name: K, args: Args<K>): Promise<Result<K>>;
  listen(cb: (event: Event) => void): Promise<Unlisten>;
  /** The entries of the host's own menu, by id; a host without one never calls back. */
  menu(cb: (id: string) => void): Promise<Unlisten>;
  /** Writes all differences into a file that the host asks the operator for; null when none was named. */
  exportFindings(migration: string): Promise<Exported | null>;
  /** Writes the timeline into a file that the host asks for, as its name ends; null when none was named. */
  exportTimeline(migration: string): Promise<Written | null>;
}

/** An {@link ApiError} that can be thrown. */
export class ApiFault extends Error implements ApiError {
  readonly code: string;
  readonly remedy: string;

  constructor(error: ApiError) {
    super(error.message);
    this.name = "ApiFault";
    this.code = error.code;
    this.remedy = error.remedy;
  }
}

function isApiError(value: unknown): value is ApiError {
  if (typeof value !== "object" || value === null) return false;
  const v = value as Record<string, unknown>;
  return typeof v["code"] === "string" && typeof v["message"] === "string" && typeof v["remedy"] === "string";
}

/** Whatever a host threw, as the three fields that the screen can show. */
export function toFault(thrown: unknown): ApiFault {
  if (thrown instanceof ApiFault) return thrown;
  if (isApiError(thrown)) return new ApiFault(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ApiFault({
    code: "unreachable",
    message: `The engine did not answer: ${message}`,
    remedy: "Wait a moment; if it stays away, restart Switchyard. A running command goes on or undoes itself.",
  });
}
